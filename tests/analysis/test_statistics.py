import math

import pytest

from connprune.analysis.statistics import paired_difference, rank, share_interval, std


def test_a_paired_interval_equals_a_hand_computation() -> None:
    # Differences 1, 2, 3: mean 2, deviation 1; Student's t at 97.5% with 2 degrees of freedom is 4.302653.
    found = paired_difference([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])

    assert found.mean == pytest.approx(2)
    assert found.low == pytest.approx(2 - 4.302653 / math.sqrt(3), abs=1e-6)
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3), abs=1e-6)
    assert found.verdict == "not significantly different"


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([0.9, 0.91, 0.93], [0.80, 0.81, 0.82], "better"),
        ([0.80, 0.81, 0.82], [0.9, 0.91, 0.93], "worse"),
        ([0.9, 0.9, 0.9], [0.9, 0.9, 0.9], "no variation"),
        ([0.91, 0.92, 0.93], [0.90, 0.91, 0.92], "no variation"),
        ([0.9, 0.8, 0.9], [0.8, 0.9, 0.9], "not significantly different"),
        ([0.9, 0.9], [0.1, 0.1], "too few seeds"),
        ([0.9], [0.1], "too few seeds"),
    ],
)
def test_a_verdict_says_no_more_than_its_interval(ours: list[float], theirs: list[float], verdict: str) -> None:
    assert paired_difference(ours, theirs).verdict == verdict


def test_one_pair_has_no_interval() -> None:
    found = paired_difference([1.0], [0.5])
    assert (found.mean, found.low, found.high) == (0.5, None, None)


def test_a_rank_counts_ties_half() -> None:
    found = rank(0.5, [0.9, 0.5, 0.5, 0.1])
    assert (found.places, found.ties, found.of, found.first, found.percentile) == ((2,), (2,), 5, 0, 50.0)
    assert rank(1.0, [0.0, 0.5]).percentile == 100
    assert rank(0.0, [0.5, 0.6]).percentile == 0


def test_the_standard_deviation_is_that_of_a_sample() -> None:
    assert std([1.0, 2.0, 3.0]) == pytest.approx(1)
    assert std([1.0]) is None


@pytest.mark.parametrize(("count", "of"), [(0, 7), (7, 7), (437, 450), (1, 2), (5000, 10_000)])
def test_the_interval_of_a_share_is_wilsons(count: int, of: int) -> None:
    # Newcombe 1998, equation 3, with the normal's 97.5% quantile.
    z, p = 1.959963984540054, count / of
    middle, half = 2 * count + z * z, z * math.sqrt(z * z + 4 * count * (1 - p))
    wanted = [(middle + sign * half) / (2 * (of + z * z)) for sign in (-1, 1)]
    assert share_interval(count, of) == pytest.approx(wanted, abs=1e-12)
