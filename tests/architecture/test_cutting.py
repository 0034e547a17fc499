"""The rules, what follows from a cut, and what is refused."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connprune import cut
from connprune.architecture import Architecture, Connection, Keep, Rule, Shape, Sparsity, Threshold
from connprune.architecture.cutting import gentle_cut, safe_threshold
from connprune.architecture.image_layers import Dropout
from connprune.architecture.layers import Layer, LayerShapeError
from connprune.errors import DisconnectedError, UsageError
from tests.strategies import architectures


def all_open(architecture: Architecture) -> dict[str, float]:
    return {str(connection): 0.9 for connection in architecture.gated_connections}


def test_the_threshold_is_strict(digits: Architecture) -> None:
    gates = all_open(digits) | {"input->conv2": 0.5, "input->conv3": 0.499}
    report = cut(digits, gates, Threshold(0.5)).report
    assert report.chosen == (Connection("input", "conv3"),)


def test_a_negative_gate_counts_by_its_magnitude(digits: Architecture) -> None:
    gates = all_open(digits) | {"input->conv2": -0.8, "input->conv3": -0.1}
    assert cut(digits, gates, Threshold(0.5)).report.chosen == (Connection("input", "conv3"),)


def test_keep_and_sparsity_are_two_sides_of_one_rule(digits: Architecture) -> None:
    gates = {str(connection): position / 100 for position, connection in enumerate(digits.gated_connections)}
    kept = cut(digits, gates, Keep(33))
    assert kept.architecture == cut(digits, gates, Sparsity(0.25)).architecture
    assert len(kept.report.chosen) == 11
    assert max(gates[str(connection)] for connection in kept.report.chosen) == 0.1


def test_nothing_below_the_threshold_leaves_the_architecture_as_it_was(digits: Architecture) -> None:
    outcome = cut(digits, all_open(digits), Threshold(0.01))
    assert outcome.architecture == digits
    assert not outcome.report.chosen + outcome.report.followed
    assert not outcome.report.removed_layers


def test_layers_that_nothing_reads_go_transitively(digits: Architecture) -> None:
    """With all that reads dropout1 and pool1 cut, both go, and so does conv2, which only pool1 still read."""
    gates = all_open(digits)
    for name in gates:
        source, _, target = name.partition("->")
        if source in ("dropout1", "pool1") and target not in ("dropout1",):
            gates[name] = 0.0
        if source == "conv2" and target != "pool1":
            gates[name] = 0.0
    report = cut(digits, gates, Threshold(0.5)).report
    assert report.removed_layers == ("conv2", "pool1", "dropout1")
    assert Connection("conv1", "conv2") in report.followed


@pytest.mark.parametrize("rule", [Threshold(0.5), Keep(20)])
def test_a_gate_that_is_no_number_is_refused(digits: Architecture, rule: Rule) -> None:
    with pytest.raises(UsageError, match=r"gates\['conv1->conv2'\]: found nan, expected a number"):
        cut(digits, all_open(digits) | {"conv1->conv2": math.nan}, rule)


def test_layers_that_read_nothing_go(digits: Architecture) -> None:
    gates = all_open(digits) | {"input->conv2": 0.0, "conv1->conv2": 0.0}
    report = cut(digits, gates, Threshold(0.5)).report
    assert report.removed_layers == ("conv2",)
    assert Connection("conv2", "pool1") in report.followed


def test_counts_fall_as_reported(digits: Architecture) -> None:
    report = cut(digits, all_open(digits) | {"dropout1->conv4": 0.0}, Threshold(0.5)).report
    maps = digits.shapes.output["dropout1"].feature_maps
    assert (report.before.connections, report.after.connections) == (45, 44)
    assert report.before.parameters - report.after.parameters == 32 * maps * 9 + 1
    assert report.before.macs - report.after.macs == 32 * maps * 9 * 4 * 4


def test_disconnecting_is_refused_with_the_largest_safe_threshold(digits: Architecture) -> None:
    gates = {str(connection): 0.3 for connection in digits.gated_connections} | {"input->head": 0.123456789}
    gates["conv1->head"] = 0.0
    with pytest.raises(DisconnectedError, match=r"largest threshold that keeps one is 0.3\.") as caught:
        cut(digits, gates, Threshold(0.5))
    assert caught.value.exit_code == 3
    with pytest.raises(DisconnectedError):
        cut(digits, all_open(digits), Keep(0))


@given(architectures(most_passes=3), st.data())
def test_the_largest_safe_threshold_is_the_largest(architecture: Architecture, data: st.DataObject) -> None:
    names = [str(connection) for connection in architecture.gated_connections]
    assume(names)
    gates = data.draw(st.fixed_dictionaries({name: st.floats(0.001, 1) for name in names}))
    safe = safe_threshold(architecture, gates)
    if math.isinf(safe):
        cut(architecture, gates, Threshold(2.0))
        return
    cut(architecture, gates, Threshold(safe))
    with pytest.raises(DisconnectedError) as caught:
        cut(architecture, gates, Threshold(math.nextafter(safe, 2)))
    if safe == min(gates.values()):
        assert "No threshold that cuts anything keeps one; keeping " in str(
            caught.value
        ) or "nothing can be cut" in str(caught.value)
        return
    told = float(str(caught.value).split()[-1].rstrip("."))
    assert safe * (1 - 1e-5) <= told <= safe


# Exact zeros, as hard-concrete gates have them; ties; and numbers that few digits do not tell apart.
TELLING = st.sampled_from([0.0, 0.0, 5e-324, 1e-300, 0.3, 0.3000000001, 0.30000000010000005, 0.5, 0.5000001, 1.0])


def rule_of(text: str) -> Rule:
    *_, option, value = text.replace(" of", "").split()
    if option == "keeping":
        return Keep(int(value))
    return Threshold(float(value)) if option == "threshold" else Sparsity(float(value))


@settings(max_examples=25)
@given(architectures(most_passes=3), st.data())
def test_advice_works(architecture: Architecture, data: st.DataObject) -> None:
    names = [str(connection) for connection in architecture.gated_connections]
    if not names:
        return
    gates = data.draw(st.fixed_dictionaries({name: st.one_of(TELLING, st.floats(0, 1)) for name in names}))
    gentle = gentle_cut(architecture, gates)
    for option, count in re.findall(r"((?:a threshold of|a sparsity of|keeping) \S+) would cut (\d+)", gentle):
        assert len(cut(architecture, gates, rule_of(option)).report.chosen) == int(count) > 0
    if "would cut" not in gentle:
        with pytest.raises(DisconnectedError, match="By these scores nothing can be cut"):
            cut(architecture, gates, Keep(len(gates) - 1))
    try:
        cut(architecture, gates, Keep(0))
    except DisconnectedError as error:
        told = str(error)
    else:
        return
    if threshold := re.search(r"keeps one is (\S+)\.$", told):
        assert cut(architecture, gates, Threshold(float(threshold[1]))).report.chosen
    elif keep := re.search(r"keeping (\d+) does, and no smaller number\.$", told):
        assert cut(architecture, gates, Keep(int(keep[1]))).report.chosen
        with pytest.raises(DisconnectedError):
            cut(architecture, gates, Keep(int(keep[1]) - 1))
        with pytest.raises(DisconnectedError):
            cut(architecture, gates, Threshold(math.nextafter(min(gates.values()), 2)))
    else:
        assert told.endswith("By these scores nothing can be cut.")


def test_gates_that_all_ended_at_zero(digits: Architecture) -> None:
    gates = dict.fromkeys(map(str, digits.gated_connections), 0.0)
    assert gentle_cut(digits, gates) == "keeping 36 would cut 8 of them."
    with pytest.raises(DisconnectedError, match="No threshold that cuts anything keeps one; keeping "):
        cut(digits, gates, Threshold(1e-9))


@given(architectures(most_passes=3), st.data())
def test_what_is_left_lies_between_input_and_head(architecture: Architecture, data: st.DataObject) -> None:
    names = [str(connection) for connection in architecture.gated_connections]
    assume(names)
    gates = data.draw(st.fixed_dictionaries({name: st.floats(0, 1) for name in names}))
    try:
        outcome = cut(architecture, gates, Threshold(0.5))
    except DisconnectedError:
        return
    smaller = outcome.architecture
    assert all(gates.get(str(connection), 1.0) >= 0.5 for connection in smaller.all_connections)
    removed = set(outcome.report.chosen) | set(outcome.report.followed)
    assert removed | set(smaller.all_connections) == set(architecture.all_connections)
    for target in smaller.connections:
        assert smaller.shapes.merged[target].size == architecture.shapes.merged[target].size
    again = cut(smaller, gates, Threshold(0.5)).architecture if smaller.gated_connections else smaller
    assert again == smaller


@pytest.mark.parametrize(
    ("rule", "value", "told"),
    [
        (Keep, 45, "keep: found 45, expected 0 to 44, the number of gates that can be cut."),
        (Keep, -1, "keep: found -1, expected a whole number from 0 upwards."),
        (Sparsity, 1.5, "sparsity: found 1.5, expected a share from 0 to 1."),
        (Sparsity, -0.1, "sparsity: found -0.1, expected a share from 0 to 1."),
        (Threshold, -1, "threshold: found -1, expected a number from 0 upwards."),
        (Threshold, math.nan, "threshold: found nan, expected a number from 0 upwards."),
    ],
)
def test_rules_out_of_range(digits: Architecture, rule: Callable[[Any], Rule], value: float, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        cut(digits, all_open(digits), rule(value))
    assert str(refused.value) == told


def test_gates_must_be_complete(digits: Architecture) -> None:
    with pytest.raises(UsageError, match="lack 43 of the connections"):
        cut(digits, {"input->conv2": 1.0}, Keep(1))


def test_without_gates_there_is_nothing_to_cut_by(digits: Architecture) -> None:
    with pytest.raises(UsageError, match="has no gates"):
        cut(digits.without_gates(), {}, Keep(0))


class AtLeastThree(Dropout):
    """A layer of a plug-in that does not say in its blocks what it needs."""

    def output_shape(self, merged: Shape) -> Shape:
        if merged.feature_maps < 3:
            raise LayerShapeError("it needs three feature maps")
        return merged


class AlwaysThree(Dropout):
    """A layer of a plug-in that gives other feature maps than it says."""

    def output_shape(self, merged: Shape) -> Shape:
        return merged._replace(feature_maps=3)


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        (AtLeastThree(), "the layer 'dropout1' got 2@4 (feature maps@side), but it needs three feature maps"),
        (AlwaysThree(), "'dropout1' is to give 2 feature maps, but would give 3"),
    ],
)
def test_what_a_layer_does_not_suit_is_told_in_a_sentence(layer: Layer, problem: str) -> None:
    architecture = Architecture.model_validate(
        {
            "input": {"feature_maps": 3, "height": 4, "width": 4},
            "classes": 2,
            "layers": [layer],
            "connections": "chain",
            "gates": {"sharing": "per-feature-map", "ungated": []},
        }
    )
    gates = {"input->dropout1": [1.0, 1.0, 0.0], "dropout1->head": [1.0, 1.0, 1.0]}
    with pytest.raises(UsageError) as caught:
        cut(architecture, gates, Keep(5))
    assert str(caught.value) == f"What this cut would leave does not fit together: {problem}."
