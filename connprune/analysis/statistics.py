"""What paired results of several seeds say, and how surely."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from scipy import stats

LEVEL = 0.95
# From fewer pairs the spread of the differences is hardly known, so no verdict is given.
FEWEST_SEEDS = 3

_NO_SPREAD = 1e-9

Verdict = Literal["better", "worse", "no difference found", "too few seeds"]


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences with its interval by Student's t (Student 1908), at `LEVEL`.

    Attributes:
        mean: of ours less theirs.
        low, high: the ends of the interval; None from a single pair.
        pairs: how many.
    """

    mean: float
    low: float | None
    high: float | None
    pairs: int

    @property
    def verdict(self) -> Verdict:
        """Whether ours is better, as far as the interval carries it."""
        if self.pairs < FEWEST_SEEDS or self.low is None or self.high is None:
            return "too few seeds"
        if self.mean and math.isclose(self.low, self.high, abs_tol=_NO_SPREAD):
            # Differences that are all alike, as counts of a few images are, say nothing of their spread.
            return "too few seeds"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no difference found"


def mean_of_all(numbers: Iterable[float | None]) -> float | None:
    """The mean; None if one is missing, or there is none."""
    known = all_known(numbers)
    return fmean(known) if known else None


def all_known(numbers: Iterable[float | None]) -> list[float] | None:
    """The numbers; None if one is missing."""
    found = list(numbers)
    known = [number for number in found if number is not None]
    return known if len(known) == len(found) else None


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """The difference of two networks over the same seeds.

    Args:
        ours: a result for each seed.
        theirs: one for each of the same seeds, in the same order.
    """
    differences = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    mean, pairs = fmean(differences), len(differences)
    if pairs < 2:
        return Difference(mean, None, None, pairs)
    half = float(stats.t.ppf((1 + LEVEL) / 2, pairs - 1)) * stdev(differences) / math.sqrt(pairs)
    return Difference(mean, mean - half, mean + half, pairs)


@dataclass(frozen=True)
class Rank:
    """Where one network stands among others.

    Attributes:
        place: 1 is the best; one more than the number of better ones.
        ties: others with exactly the same result.
        of: how many there are, itself included.
        percentile: the share of the others that are worse, ties counted half, from 0 to 100.
    """

    place: int
    ties: int
    of: int
    percentile: float


def rank(ours: float, others: Sequence[float]) -> Rank:
    """The place of `ours` among `others`; more is better."""
    better = sum(other > ours for other in others)
    ties = sum(other == ours for other in others)
    worse = len(others) - better - ties
    return Rank(better + 1, ties, len(others) + 1, 100 * (worse + ties / 2) / len(others))


def spread(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample; None of a single value."""
    return stdev(values) if len(values) > 1 else None
