"""What paired results say, as documents have it."""

from typing import Literal

from connprune.documents.base import Natural, Part

Verdict = Literal["better", "worse", "not significantly different", "too few seeds", "no variation"]


class Difference(Part):
    """The mean of paired differences with its 95% interval by Student's t (Student 1908).

    Attributes:
        mean: of ours − theirs.
        low: the lower end of the interval; None from a single pair.
        high: the upper end.
        pairs: how many.
        verdict: whether ours is better, as far as the interval carries it; `no variation` where all differences are
            the same, so that there is none.
    """

    mean: float
    low: float | None
    high: float | None
    pairs: Natural
    verdict: Verdict


class Rank(Part):
    """Where the cut stands among the networks of a baseline.

    Attributes:
        places: in each search; 1 is the best, one more than the number of better ones.
        ties: in each search how many others have exactly the same result.
        of: how many there are, the cut included.
        first: in how many searches the cut is first and nobody ties with it.
        percentile: the share of the others that are worse, ties counted half, 0 to 100, the mean over searches.
    """

    places: tuple[Natural, ...]
    ties: tuple[Natural, ...]
    of: Natural
    first: Natural
    percentile: float
