"""Rules that measure: nothing is lost beyond what they allow, and nothing that is left could go alone."""

from collections.abc import Callable
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connprune.architecture import Architecture, Budget, Connection, Cut, Latency, MaxDrop, Share, WholeLayers
from connprune.architecture.cutting import GateValues, cut_by_scores
from connprune.architecture.rules import FeatureMap, Unit
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import ArgumentError, DisconnectedError
from tests.architecture.test_budgets import These, ranked, scored


def worth(seed: int) -> Callable[[Cut], float]:
    """An accuracy that is the share of what the connections left are worth, each a number of its own."""

    def value(connection: Connection) -> int:
        return crc32(f"{seed} {connection}".encode()) % 7

    def accuracy(cut: Cut) -> float:
        return sum(map(value, cut.architecture.all_connections)) / 1000

    return accuracy


def made(architecture: Architecture, scores: GateValues, units: frozenset[Unit]) -> Cut | None:
    try:
        return cut_by_scores(architecture, scores, These(units))
    except DisconnectedError:
        return None


@given(scored(), st.integers(0, 5), st.integers(0, 30))
def test_no_more_is_lost_than_allowed_and_nothing_that_is_left_could_go_alone(
    case: tuple[Architecture, GateValues], seed: int, thousandths: int
) -> None:
    architecture, scores = case
    accuracy = worth(seed)
    whole = made(architecture, scores, frozenset())
    assert whole is not None
    found = cut_by_scores(architecture, scores, MaxDrop(thousandths / 10, accuracy))
    least = accuracy(whole) - thousandths / 1000 - 1e-9
    assert accuracy(found) >= least
    chosen = frozenset(found.report.chosen)
    for unit in set(ranked(architecture, scores)) - chosen:
        further = made(architecture, scores, chosen | {unit})
        assert further is None or accuracy(further) < least


@given(scored())
def test_the_lowest_scores_go_first(case: tuple[Architecture, GateValues]) -> None:
    """Where each unit is worth the same and one path is always left, what goes is the lowest of all that may."""
    architecture, scores = case

    def accuracy(cut: Cut) -> float:
        return 1 - len(cut.report.chosen) / 100

    found = cut_by_scores(architecture, scores, MaxDrop(1, accuracy))
    lowest = ranked(architecture, scores)[::-1]
    first = next((unit for unit in lowest if made(architecture, scores, frozenset({unit})) is not None), None)
    assert found.report.chosen == (() if first is None else (first,))


def test_a_loss_of_exactly_the_points_is_allowed(digits: Architecture) -> None:
    scores = {str(each): number / 100 for number, each in enumerate(digits.gated_connections)}
    found = cut_by_scores(digits, scores, MaxDrop(0.3, lambda cut: 0.7 - len(cut.report.chosen) / 1000))
    assert len(found.report.chosen) == 3
    assert found.report.rule == "at most 0.3 points less validation accuracy"


def test_whole_layers_are_measured_whole(digits: Architecture) -> None:
    scores = {str(each): number / 100 for number, each in enumerate(digits.gated_connections)}
    rule = WholeLayers(MaxDrop(20, lambda cut: len(cut.architecture.layers) / 10))
    found = cut_by_scores(digits, scores, rule)
    assert len(found.architecture.layers) == len(digits.layers) - 2


def as_seconds(cut: Cut) -> float:
    """A clock that a network's arithmetic drives."""
    return mac_count(cut.architecture) / 1e9


@given(scored(), st.floats(0, 1), st.floats(0.01, 1))
def test_a_latency_is_a_budget_as_the_counts_are(
    case: tuple[Architecture, GateValues], parameters: float, share: float
) -> None:
    architecture, scores = case
    most = int(parameters * parameter_count(architecture))
    macs = int(share * mac_count(architecture))
    measured = [Latency(macs / 1e9, as_seconds)] if macs else []
    outcomes: list[tuple[str, ...] | None] = []
    for rule in (Budget(most, macs), *(Budget(most, latency=each) for each in measured)):
        try:
            outcomes.append(tuple(map(str, cut_by_scores(architecture, scores, rule).report.chosen)))
        except DisconnectedError:
            outcomes.append(None)
    assert len(set(outcomes)) == 1


def test_a_share_is_of_the_parent_s_time_and_the_rule_says_where(digits: Architecture) -> None:
    scores = {str(each): number / 100 for number, each in enumerate(digits.gated_connections)}
    found = cut_by_scores(digits, scores, Budget(latency=Latency(Share(0.5), as_seconds, 1, "a clock")))
    assert 0.3 * mac_count(digits) < mac_count(found.architecture) <= 0.5 * mac_count(digits)
    assert found.report.rule == "at most 50% of the parent's time for a batch of 1 on a clock"


def test_what_no_network_keeps_to_is_said_with_the_nearest(digits: Architecture) -> None:
    scores = {str(each): number / 100 for number, each in enumerate(digits.gated_connections)}
    latency = Latency(1e-9, lambda cut: 0.002)
    with pytest.raises(DisconnectedError, match=r"a forward pass down to 1e-06 ms .* has a forward pass of 2 ms"):
        cut_by_scores(digits, scores, Budget(latency=latency))
    rule = MaxDrop(0, lambda cut: 1 - len(cut.report.chosen), Budget(parameters=Share(0.5)))
    with pytest.raises(DisconnectedError, match=r"loses at most 0 points .* has 95,734 parameters"):
        cut_by_scores(digits, scores, rule)


@pytest.mark.parametrize("points", [-1, 101, float("nan"), "1", True])
def test_points_are_from_0_to_100(points: float) -> None:
    with pytest.raises(ArgumentError, match="max_drop"):
        MaxDrop(points, lambda cut: 1.0)


@pytest.mark.parametrize("most", [0, -1, float("inf"), "3ms", True])
def test_a_latency_is_a_time(most: float) -> None:
    with pytest.raises(ArgumentError, match="latency"):
        Latency(most, as_seconds)


def test_a_feature_map_can_be_measured_away(digits: Architecture) -> None:
    layers = [{"kind": "conv", "feature_maps": 4}, {"kind": "conv", "feature_maps": 3}]
    small = Architecture.model_validate(
        {"input": digits.input, "classes": 10, "layers": layers, "connections": "dense", "gates": {}}
    )
    scores = {str(each): [0.5] * small.read[each].maps for each in small.gated_connections}
    found = cut_by_scores(small, scores, MaxDrop(1, lambda cut: 1 - len(cut.report.chosen) / 100))
    assert [type(unit) for unit in found.report.chosen] == [FeatureMap]
