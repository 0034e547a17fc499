from random import Random

import numpy as np
import pytest

from connprune.analysis.agreement import agreement, agreement_of_cuts, expected_jaccard
from connprune.architecture.architecture import Connection
from connprune.errors import UsageError
from connprune.runs.gate_history import GateHistory

A, B, C, D = (Connection(source, "head") for source in ("input", "a", "b", "c"))


def history(*epochs: list[float]) -> GateHistory:
    return GateHistory((A, B, C, D), (1, 1, 1, 1), np.array(epochs, dtype=np.float32))


def test_two_runs_are_compared_connection_by_connection() -> None:
    one = history([0.5] * 4, [0.9, 0.0, 0.9, 0.0], [0.9, 0.8, 0.0, 0.0], [0.9, 0.8, 0.0, 0.0])
    other = history([0.5] * 4, [0.9, 0.9, 0.9, 0.0], [0.8, 0.9, 0.7, 0.0])
    found = agreement([one, other], 0.01)

    assert found.votes.tolist() == [2, 2, 1, 0]
    assert found.jaccard[0, 1] == pytest.approx(2 / 3)
    assert found.decided == (2, 1)
    assert found.correlation[0, 1] == pytest.approx(np.corrcoef([0.9, 0.8, 0, 0], [0.8, 0.9, 0.7, 0])[0, 1], abs=1e-6)
    # Up to the shorter run's end; the standard deviation of 0 and 0.9 is 0.9/√2.
    assert found.std.shape == (3, 4)
    assert found.std[1, 1] == pytest.approx(0.9 / np.sqrt(2))


def test_negative_gates_count_by_their_magnitude() -> None:
    found = agreement([history([0.5, 0.5, 0.5, 0.5], [-0.9, 0.001, 0.9, 0.0])] * 2, 0.01)
    assert found.votes.tolist() == [2, 0, 2, 0]


def test_chance_equals_what_random_sets_give() -> None:
    random = Random(1)
    overlaps = []
    for _ in range(4000):
        one, other = set(random.sample(range(10), 4)), set(random.sample(range(10), 6))
        overlaps.append(len(one & other) / len(one | other))
    assert expected_jaccard(4, 6, 10) == pytest.approx(np.mean(overlaps), abs=0.01)
    assert expected_jaccard(10, 10, 10) == pytest.approx(1)
    assert expected_jaccard(0, 0, 10) == 1
    assert expected_jaccard(0, 3, 10) == 0


def test_equal_gates_have_no_correlation_and_break_nothing() -> None:
    found = agreement([history([0.5] * 4), history([0.5] * 4)], 0.01)
    assert np.isnan(found.correlation).all()
    assert found.mean_correlation is None


def test_runs_of_other_connections_are_refused() -> None:
    other = GateHistory((A, B), (1, 1), np.zeros((1, 2), dtype=np.float32))
    with pytest.raises(UsageError, match="Run 2 gates other connections"):
        agreement([history([0.5] * 4), other], 0.01)


def test_cuts_agree_on_what_they_kept() -> None:
    found = agreement_of_cuts([(A, B, C, D)] * 3, [(A, B), (B, C, A), (D,)])
    assert found.votes.tolist() == [2, 2, 1, 1]
    assert found.mean_jaccard == pytest.approx((2 / 3 + 0 + 0) / 3)
    expected = [expected_jaccard(one, other, 4) for one, other in ((2, 3), (2, 1), (3, 1))]
    assert found.mean_chance == pytest.approx(np.mean(expected))


def test_cuts_of_different_networks_are_not_compared() -> None:
    with pytest.raises(UsageError, match="Cut 2 was made from other connections"):
        agreement_of_cuts([(A, B, C, D), (A, B, C)], [(A,), (A,)])
