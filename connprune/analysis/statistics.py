"""What paired results of several seeds say, and how surely."""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

from scipy import stats

from connprune.documents.statistics import Difference, Rank, Verdict

# As the documents say of their intervals.
LEVEL = 0.95
# From fewer pairs the standard deviation of the differences is hardly known, so no verdict is given.
FEWEST_SEEDS = 3

_NO_DEVIATION = 1e-9


def mean_of_all(numbers: Iterable[float | None]) -> float | None:
    """The mean; None if one is missing, or there is none."""
    known = all_known(numbers)
    return fmean(known) if known else None


def all_known(numbers: Iterable[float | None]) -> list[float] | None:
    """The numbers; None if one is missing."""
    given = list(numbers)
    known = [number for number in given if number is not None]
    return known if len(known) == len(given) else None


def paired_difference(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """The difference of two networks over the same seeds.

    Args:
        ours: a result for each seed.
        theirs: one for each of the same seeds, in the same order.
    """
    differences = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    mean, pairs = fmean(differences), len(differences)
    low = high = None
    if pairs > 1:
        half = float(stats.t.ppf((1 + LEVEL) / 2, pairs - 1)) * stdev(differences) / math.sqrt(pairs)
        low, high = mean - half, mean + half
    return Difference(mean=mean, low=low, high=high, pairs=pairs, verdict=_verdict(low, high, pairs))


def _verdict(low: float | None, high: float | None, pairs: int) -> Verdict:
    """Whether ours is better, as far as the interval carries it."""
    if pairs < FEWEST_SEEDS or low is None or high is None:
        return "too few seeds"
    if math.isclose(low, high, abs_tol=_NO_DEVIATION):
        # Differences that are all alike, as counts of a few images are, say nothing of their standard deviation.
        return "no variation"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not significantly different"


def rank(ours: float, others: Sequence[float]) -> Rank:
    """The place of `ours` among `others`, as of one search; more is better."""
    better = sum(other > ours for other in others)
    ties = sum(other == ours for other in others)
    worse = len(others) - better - ties
    return Rank(
        places=(better + 1,),
        ties=(ties,),
        of=len(others) + 1,
        first=int(not better and not ties),
        percentile=100 * (worse + ties / 2) / len(others),
    )


def std(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample; None of a single value."""
    return stdev(values) if len(values) > 1 else None


def share_interval(count: int, of: int) -> tuple[float, float]:
    """The 95% interval of a share that was counted (Wilson, "Probable inference", 1927), within 0 and 1."""
    interval = stats.binomtest(count, of).proportion_ci(LEVEL, "wilson")
    return float(interval.low), float(interval.high)
