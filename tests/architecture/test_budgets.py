"""Budgets of a cut: never exceeded, and nothing is cut that could have stayed."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connprune import cut
from connprune.architecture import Architecture, Budget, Connection, FeatureMap, Share, WholeLayers
from connprune.architecture.allowed import allowed
from connprune.architecture.cutting import GateValues, cut_by_scores, restricted
from connprune.architecture.gates import CostBudget, Gates
from connprune.architecture.rules import CountsWithout, Scores, Unit, amount
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import DisconnectedError, UsageError
from tests.strategies import architectures


class These:
    """The rule that cuts what it is told to; and what a rule sees."""

    def __init__(self, units: frozenset[Unit]) -> None:
        self.units = units

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        return self.units


@st.composite
def scored(draw: st.DrawFn) -> tuple[Architecture, GateValues]:
    """An architecture with scores for its connections, or for their feature maps; some of them alike."""
    architecture = draw(architectures(most_passes=3, least_layers=1))
    score = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0])
    scores: dict[str, float | Sequence[float]] = {}
    each = draw(st.booleans())
    for connection in architecture.gated_connections:
        maps = architecture.read[connection].maps
        scores[str(connection)] = draw(st.lists(score, min_size=maps, max_size=maps)) if each else draw(score)
    return architecture, scores


def left(architecture: Architecture, scores: GateValues, units: frozenset[Unit]) -> tuple[int, int] | None:
    try:
        smaller = cut_by_scores(architecture, scores, These(units)).architecture
    except DisconnectedError:
        return None
    return parameter_count(smaller), mac_count(smaller)


@given(scored(), st.floats(0, 1), st.floats(0, 1))
def test_budgets_hold_and_nothing_could_be_put_back(
    case: tuple[Architecture, GateValues], parameters: float, macs: float
) -> None:
    architecture, scores = case
    most = int(parameters * parameter_count(architecture)), int(macs * mac_count(architecture))
    try:
        found = cut_by_scores(architecture, scores, Budget(*most))
    except DisconnectedError:
        return
    counts = parameter_count(found.architecture), mac_count(found.architecture)
    assert counts == (found.report.after.parameters, found.report.after.macs)
    assert counts[0] <= most[0]
    assert counts[1] <= most[1]
    chosen = frozenset(found.report.chosen)
    for unit in chosen:
        with_it = left(architecture, scores, chosen - {unit})
        assert with_it is not None
        assert with_it[0] > most[0] or with_it[1] > most[1]


@settings(max_examples=25)
@given(scored(), st.floats(0, 1), st.floats(0, 1))
def test_budgets_that_cannot_be_met_are_refused_and_no_others(
    case: tuple[Architecture, GateValues], parameters: float, macs: float
) -> None:
    """The oracle takes unit after unit away, from the lowest score up, and asks each time whether a path is left."""
    architecture, scores = case
    most = int(parameters * parameter_count(architecture)), int(macs * mac_count(architecture))
    gone: frozenset[Unit] = frozenset()
    for unit in reversed(ranked(architecture, scores)):
        now = left(architecture, scores, gone)
        assert now is not None
        if now[0] <= most[0] and now[1] <= most[1]:
            break
        if left(architecture, scores, gone | {unit}) is not None:
            gone |= {unit}
    smallest = left(architecture, scores, gone)
    assert smallest is not None
    if smallest[0] <= most[0] and smallest[1] <= most[1]:
        assert set(cut_by_scores(architecture, scores, Budget(*most)).report.chosen) <= gone
    else:
        with pytest.raises(DisconnectedError, match=f"has {smallest[0]:,} parameters and {smallest[1]:,} MACs"):
            cut_by_scores(architecture, scores, Budget(*most))


def ranked(architecture: Architecture, scores: GateValues) -> list[Unit]:
    """All units from the highest score down, of equal ones the earlier first."""
    each: dict[Unit, float] = {}
    for connection in architecture.gated_connections:
        score = scores[str(connection)]  # type: ignore[index]
        if isinstance(score, Sequence):
            each |= {FeatureMap(*connection, place): value for place, value in enumerate(score)}
        else:
            each[connection] = score
    return sorted(each, key=lambda unit: -each[unit])


@settings(max_examples=25)
@given(scored(), st.data())
def test_what_a_rule_is_told_of_a_cut_is_what_the_cut_costs(
    case: tuple[Architecture, GateValues], data: st.DataObject
) -> None:
    architecture, scores = case
    units = data.draw(st.sets(st.sampled_from(ranked(architecture, scores))))

    class Told(These):
        def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
            self.told = counts(self.units)
            return self.units

    rule = Told(frozenset(units))
    try:
        smaller = cut_by_scores(architecture, scores, rule).architecture
    except DisconnectedError:
        assert rule.told is None
        return
    assert rule.told == (parameter_count(smaller), mac_count(smaller))


def test_a_share_is_of_the_parent_and_both_budgets_hold(digits: Architecture) -> None:
    gates = {str(connection): 1 - number / 100 for number, connection in enumerate(digits.gated_connections)}
    found = cut(digits, gates, Budget(Share(0.6), Share(0.5))).report
    assert found.after.parameters <= 0.6 * found.before.parameters
    assert found.after.macs <= 0.5 * found.before.macs
    assert found.rule == "at most 60% of the parameters and at most 50% of the MACs"
    assert str(Budget(macs=768_848)) == "at most 768,848 MACs"


def test_what_fits_comes_back_though_it_scored_lower(digits: Architecture) -> None:
    """The lowest connection costs eleven parameters; the next one must go, and without that one the lowest may stay."""
    gates = {str(connection): 0.5 for connection in digits.gated_connections}
    gates |= {"input->head": 0.1, "dropout1->conv4": 0.2}
    report = cut(digits, gates, Budget(parameters=parameter_count(digits) - 1000)).report
    assert report.chosen == (Connection("dropout1", "conv4"),)


def test_a_unit_that_alone_keeps_the_path_is_passed_over(digits: Architecture) -> None:
    """Nothing but the chain is above zero in the head's inputs, and the head's last input scores lowest of all."""
    gates = {str(connection): 0.5 for connection in digits.gated_connections}
    gates |= {name: 0.0 for name in gates if name.endswith("->head")}
    cheapest = cut(digits, gates, Budget(macs=Share(0.01)))
    assert cheapest.report.after.macs <= 0.01 * cheapest.report.before.macs


def test_whole_layers_keep_a_budget_too(digits: Architecture) -> None:
    gates = {str(connection): number / 100 for number, connection in enumerate(digits.gated_connections)}
    report = cut(digits, gates, WholeLayers(Budget(macs=Share(0.7)))).report
    assert 0 < report.after.macs <= 0.7 * report.before.macs
    assert report.removed_layers


@pytest.mark.parametrize("value", [-0.1, 1.01, float("nan")])
def test_a_share_lies_between_nothing_and_all(value: float) -> None:
    with pytest.raises(UsageError, match="expected 0% to 100% of the parent"):
        Share(value)


@given(st.integers(0, 100_00), st.integers(0, 10**12))
def test_a_percentage_is_taken_as_it_is_written(hundredths: int, count: int) -> None:
    written = f"{hundredths // 100}.{hundredths % 100:02}%"
    exactly = hundredths * count // 100_00
    for share in (amount(written), Share(Fraction(hundredths, 100_00)), Share(hundredths / 100_00)):
        assert isinstance(share, Share)
        assert share.of(count) == exactly
    assert str(amount("29%")) == "29%"


def budgeted(architecture: Architecture, **budget: int | str) -> Architecture:
    assert architecture.gates is not None
    wanted = {"penalise": "expected-cost", "budget": CostBudget.model_validate(budget)}
    return architecture.replace(gates=Gates(**{**dict(architecture.gates), **wanted}))


def test_a_percentage_is_of_the_searched_network_after_a_cut_too(digits: Architecture) -> None:
    searched = budgeted(digits, parameters="50%", macs=300_000)
    gates = {str(connection): number / 100 for number, connection in enumerate(digits.gated_connections)}
    smaller = cut(searched, gates, Budget(Share(0.7))).architecture
    assert parameter_count(smaller) < parameter_count(searched)
    meant = {"parameters": parameter_count(digits) // 2, "macs": 300_000}
    assert allowed(searched) == allowed(smaller) == meant
    assert allowed(restricted(searched, smaller.connections)) == meant


def test_a_budget_of_less_than_one_is_refused_by_its_key(digits: Architecture) -> None:
    with pytest.raises(UsageError, match=r"gates\.budget\.macs: found 0\.0000001%, expected at least one of"):
        allowed(budgeted(digits, parameters="50%", macs="0.0000001%"))
