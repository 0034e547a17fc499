"""Backward connections: what is computed in which pass, what is live, what it costs, and what is refused."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, islice, product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from connprune.architecture import Architecture, Connection
from connprune.architecture.baselines import Pair, every, random_params, wirings_within
from connprune.architecture.baselines import random as random_wirings
from connprune.architecture.cutting import cut_connections, restricted
from connprune.architecture.cyclic_wirings import CyclicWirings
from connprune.architecture.equal_cost import random_cost
from connprune.architecture.explain import explain
from connprune.architecture.files import from_yaml, to_yaml
from connprune.architecture.rules import FeatureMap, Keep, Unit
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.architecture.strict_yaml import Document
from connprune.architecture.unrolling import backward, last_readers, lively, schedule
from connprune.architecture.wirings import WIRINGS, in_order
from connprune.errors import NoBaselineError

# b halves the side, so that what c and b bring back to a is brought to twice its size.
CYCLIC: dict[str, Any] = {
    "input": {"feature_maps": 1, "height": 8, "width": 8},
    "classes": 10,
    "layers": [
        {"name": "a", "kind": "conv", "feature_maps": 4},
        {"name": "b", "kind": "conv", "feature_maps": 3, "stride": 2},
        {"name": "c", "kind": "conv", "feature_maps": 2},
    ],
    "unroll": 3,
    "connections": "complete",
    "head": {"reduce": "average"},
}


def cyclic(**changes: Any) -> Architecture:
    return Architecture.model_validate({**CYCLIC, **changes})


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, list[str]], int]:
    """Any connections of up to four layers, dead ones too, and a number of passes."""
    layers = [f"l{number}" for number in range(draw(st.integers(1, 4)))]
    sources = {
        target: draw(st.lists(st.sampled_from([name for name in ["input", *layers] if name != target]), unique=True))
        for target in [*layers, "head"]
    }
    return sources, draw(st.integers(1, 4))


@given(graphs())
def test_a_connection_is_live_if_it_lies_on_a_path_of_the_unrolled_graph(
    case: tuple[dict[str, list[str]], int],
) -> None:
    connections, passes = case
    order = list(connections)
    # The unrolled graph as it is drawn: every layer once for each pass; the head follows the last one.
    arrows = set()
    for target, sources in connections.items():
        for number in [passes] if target == "head" else range(1, passes + 1):
            for source in sources:
                leads_back = source != "input" and order.index(source) > order.index(target)
                arrows.add(((source, 0 if source == "input" else number - leads_back), (target, number)))
    nodes = {node for arrow in arrows for node in arrow}
    reached, useful = {("input", 0)}, {("head", passes)}
    for _ in nodes:
        reached |= {end for start, end in arrows if start in reached}
        useful |= {start for start, end in arrows if end in useful}
    on_a_path = {(start[0], end[0]) for start, end in arrows if start in reached and end in useful}

    assert lively(connections, passes) == on_a_path


@given(graphs())
def test_values_are_let_go_after_the_last_step_that_reads_them(case: tuple[dict[str, list[str]], int]) -> None:
    connections, passes = case
    steps = schedule(connections, passes)
    held = {"input", *(source for source, _ in backward(connections))}
    for target, unread in zip(steps, last_readers(steps, connections), strict=True):
        assert held >= set(connections[target])
        held -= set(unread)
        held.add(target)
    # Only what was zero in the first pass and never read can be left.
    assert held - {"head"} <= {"input", *(source for source, _ in backward(connections))}


def test_what_cannot_change_or_is_not_read_is_computed_once() -> None:
    # b and c read each other; a reads the input alone, and only the head reads d.
    connections = {"a": ["input"], "b": ["a", "c"], "c": ["b"], "d": ["c"], "head": ["a", "d"]}

    assert schedule(connections, 3) == ("a", "b", "c", "b", "c", "b", "c", "d", "head")


@given(st.integers(1, 6))
def test_the_complete_wiring_has_all_connections_between_layers(count: int) -> None:
    layers = [f"l{number}" for number in range(count)]
    wiring = WIRINGS["complete"](layers)
    pairs = [(source, target) for target, sources in wiring.items() for source in sources]
    between = [pair for pair in pairs if "input" not in pair and "head" not in pair]

    assert len(between) == len(set(between)) == count * (count - 1)
    assert len(pairs) == count * (count - 1) + 2 * count + 1
    assert len(backward(wiring)) == count * (count - 1) // 2


def test_shapes_follow_what_is_read_of_the_same_pass() -> None:
    shapes = cyclic().shapes

    assert {name: str(shape) for name, shape in shapes.merged.items()} == {
        "a": "6@8",  # 1 + 3 + 2 feature maps, those of b and c brought to the input's side
        "b": "7@8",
        "c": "8@4",
        "head": "10@4",
    }


@pytest.mark.parametrize("passes", [2, 3])
def test_counts_are_parameters_once_and_the_macs_of_every_pass(passes: int) -> None:
    a, b, c, head = 6 * 9 * 4, 7 * 9 * 3, 8 * 9 * 2, 10 * 10
    architecture = cyclic(unroll=passes)

    assert parameter_count(architecture) == a + b + c + head + 10
    assert mac_count(architecture) == passes * (a * 64 + b * 16 + c * 16) + head


def test_gates_are_on_backward_connections_too_and_on_all_that_the_first_layer_reads() -> None:
    architecture = cyclic(gates={"kind": "sigmoid"})

    assert architecture.gated_connections == architecture.all_connections
    assert Connection("c", "a") in architecture.backward_connections
    assert cyclic(connections="dense", gates={"kind": "sigmoid"}).gates.ungated == ("a",)  # type: ignore[union-attr]


def test_passes_are_written_only_where_there_are_several() -> None:
    assert "unroll: 3" in to_yaml(cyclic())
    assert from_yaml(to_yaml(cyclic())) == cyclic()
    assert "unroll" not in to_yaml(cyclic(unroll=1, connections="dense"))


def test_a_cut_without_backward_connections_is_a_network_of_one_pass() -> None:
    parent = cyclic()
    assert restricted(parent, {"a": ["input"], "head": ["a"]}).unroll == 1
    smaller = restricted(parent, {"a": ["input", "b"], "b": ["a"], "head": ["b"]})
    assert smaller.unroll == 3
    assert smaller.shapes.merged["a"] == (4, 8, 8)


def test_what_a_cut_leaves_without_a_source_of_the_same_pass_keeps_its_size() -> None:
    smaller = restricted(cyclic(), {"a": ["c"], "b": ["input"], "c": ["a", "b"], "head": ["c"]})

    assert smaller.merges["a"].size == (8, 8)
    assert smaller.schedule == ("a", "b", "c", "a", "c", "a", "c", "head")


def by_trying(connections: Mapping[str, Sequence[str]], passes: int) -> list[dict[str, tuple[str, ...]]]:
    """Every set of the connections that is a valid wiring."""
    pairs = [(source, target) for target, sources in connections.items() for source in sources]
    found = []
    for chosen in (set(some) for size in range(1, len(pairs) + 1) for some in combinations(pairs, size)):
        wiring = {
            target: tuple(source for source in sources if (source, target) in chosen)
            for target, sources in connections.items()
        }
        wiring = {target: sources for target, sources in wiring.items() if sources}
        try:
            in_order(wiring, [name for name in wiring if name != "head"], passes)
        except ValueError:
            continue
        found.append(wiring)
    return found


@given(graphs().filter(lambda case: sum(map(len, case[0].values())) <= 9), st.integers(0, 9))
@settings(max_examples=10)
def test_live_wirings_with_backward_connections_are_those_that_trying_finds(
    case: tuple[dict[str, list[str]], int], size: int
) -> None:
    connections, passes = case
    passes += 1  # In a single one a layer cannot be asked for what a later one gives.
    expected = by_trying(connections, passes)
    space = CyclicWirings(connections, passes)

    assert sorted(map(repr, space)) == sorted(map(repr, expected))
    assert space.count() == len(expected)
    of_size = [repr(wiring) for wiring in expected if sum(map(len, wiring.values())) == size]
    assert space.count(size) == len(of_size)
    drawn = {repr(wiring) for wiring in islice(space.draws(Random(1), [size]), 20 * len(of_size))}
    assert drawn <= set(of_size)
    assert bool(drawn) == bool(of_size)


@pytest.mark.parametrize("sizes", [None, [4], [3, 5]])
def test_draws_with_backward_connections_are_uniform(sizes: list[int] | None) -> None:
    space = wirings_within(cyclic(layers=CYCLIC["layers"][:2]))
    assert isinstance(space, CyclicWirings)
    there_are = sum(space.count(size) or 0 for size in sizes) if sizes else space.count() or 0
    drawn = Counter(repr(wiring) for wiring in islice(space.draws(Random(7), sizes), 20 * there_are))

    assert len(drawn) == there_are
    assert stats.chisquare(list(drawn.values())).pvalue > 1e-3


def test_wirings_of_many_connections_are_drawn_but_not_listed() -> None:
    parent = cyclic(layers=[{"name": name, "kind": "conv", "feature_maps": 2} for name in "abcde"], unroll=2)
    cut = restricted(parent, {"a": ["input", "c"], "b": ["a"], "c": ["b", "a"], "d": ["c"], "head": ["a", "c", "d"]})
    pair = Pair(parent, cut, seed=1)

    assert pair.space.count() is None
    drawn = random_wirings(pair, 5)
    assert len({repr(other.connections) for other in [*drawn, cut]}) == 6
    assert {len(other.all_connections) for other in drawn} == {9}
    assert any(other.backward_connections for other in drawn)
    for other in random_params(pair, 3):
        assert abs(parameter_count(other) - parameter_count(cut)) <= 0.02 * parameter_count(cut)
    with pytest.raises(
        NoBaselineError, match=r"has 31 connections, and with backward ones .* of at most 16; try random:N"
    ):
        every(pair)


def test_where_hardly_a_set_of_connections_is_a_wiring_a_sentence_says_so() -> None:
    layers = [f"l{number}" for number in range(20)]
    wiring = {**WIRINGS["chain"](layers), "l0": ("input", "l19")}
    parent = cyclic(layers=[{"name": name, "kind": "conv", "feature_maps": 2} for name in layers], connections=wiring)
    pair = Pair(parent, restricted(parent, WIRINGS["chain"](layers)), seed=1)

    with pytest.raises(NoBaselineError, match="drawn by trying, and 0 of 21 connections were found; try random-cost:N"):
        random_wirings(pair, 1)


def test_all_wirings_of_a_small_network_are_listed() -> None:
    parent = cyclic(layers=CYCLIC["layers"][:2])
    cut = restricted(parent, {"a": ["input", "b"], "b": ["a"], "head": ["a", "b"]})

    assert len(every(Pair(parent, cut, seed=1))) == len(by_trying(parent.connections, parent.unroll)) - 1


def test_random_wirings_of_the_same_cost_may_lead_backward() -> None:
    parent = cyclic()
    cut = restricted(parent, {"a": ["input", "c"], "b": ["a"], "c": ["b", "a"], "head": ["a", "c"]})
    drawn = random_cost(Pair(parent, cut, seed=1), 2)

    assert any(architecture.backward_connections for architecture in drawn)
    for architecture in drawn:
        assert abs(mac_count(architecture) - mac_count(cut)) <= 0.03 * mac_count(cut)


PASSES_ON = [{"name": name, "kind": "dropout", "rate": 0.1} for name in "abc"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"unroll": 10**6},
            "unroll: 1,000,000 passes through 3 layers are 3,000,000, more than 1,000 layers; "
            "CONNPRUNE_MAX_LAYERS sets this limit (found 1000000).",
        ),
        ({"unroll": 0}, "unroll: found 0, expected greater than or equal to 1"),
        (
            {"unroll": 1},
            "connections: 'a' reads 'b', which does not come before it; a backward connection needs an unroll of 2 or "
            "more passes",
        ),
        (
            {"connections": {"a": ["input", "a"], "b": ["a"], "c": ["b"], "head": ["c"]}},
            "connections: 'a' reads itself; let it read another layer that reads it",
        ),
        (
            {"connections": {"a": ["c"], "b": ["input"], "c": ["a"], "head": ["b"]}},
            "connections: in 3 passes, 'a' gets nothing of the input from 'c' that the head reads; take this "
            "connection out, or give unroll more passes",
        ),
        (
            # The head reads what a gave last from c, and c gives nothing of the input to it before the third pass.
            {
                "unroll": 2,
                "connections": {"a": ["b"], "b": ["c"], "c": ["input"], "head": ["a"]},
                "merges": {"a": {"size": [8, 8]}, "b": {"size": [8, 8]}},
            },
            "connections: in 2 passes, 'a' gets nothing of the input from 'b' that the head reads",
        ),
        (
            {"connections": {"a": ["b"], "b": ["input"], "c": ["a"], "head": ["c"]}},
            "'a' reads only layers that come after it, which leaves its height and width open; set merges.a.size, or "
            "let it read something before it.",
        ),
        (
            {"layers": PASSES_ON},
            "passes on all feature maps that it reads, and backward connections bring it more of them with each pass; "
            "let it read fewer layers, or give it a merge that does not stack them, like sum or squeeze with "
            "feature_maps.",
        ),
    ],
)
def test_refusals(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        cyclic(**changes)
    assert told in "\n".join(map(str, explain(caught.value, Architecture, Document({}))))


@pytest.mark.parametrize(("aggregate", "side"), list(product(["sum", "max", "mean"], ["smallest", "pad"])))
def test_layers_that_pass_feature_maps_on_can_read_each_other_where_they_are_not_stacked(
    aggregate: str, side: str
) -> None:
    layers = [{"name": "wide", "kind": "conv", "feature_maps": 5}, *PASSES_ON]
    architecture = cyclic(layers=layers, merge={"aggregate": aggregate, "resize": side})

    assert {shape.feature_maps for shape in architecture.shapes.merged.values()} == {5}


def test_a_normalisation_may_read_later_layers_alone() -> None:
    layers = [{"name": "a", "kind": "layer-norm"}, {"name": "b", "kind": "conv", "feature_maps": 3}]
    connections = {"a": ["b"], "b": ["input", "a"], "head": ["a", "b"]}
    architecture = cyclic(layers=layers, connections=connections, merges={"a": {"size": [4, 4]}})

    assert architecture.shapes.output["a"] == (3, 4, 4)
    assert architecture.schedule == ("a", "b", "a", "b", "a", "b", "head")


def without(parent: Architecture, *removed: FeatureMap) -> Architecture:
    """A cut of these feature maps."""
    units = [
        FeatureMap(*connection, number)
        for connection in parent.all_connections
        for number in range(parent.read[connection].maps)
    ]
    scores: dict[Unit, float] = {unit: float(unit not in removed) for unit in units}
    return cut_connections(parent, scores, Keep(len(units) - len(removed)))


def widths(architecture: Architecture) -> dict[str, int]:
    return {name: shape.feature_maps for name, shape in architecture.shapes.output.items()}


def test_a_cut_keeps_what_a_share_of_a_cycle_came_to() -> None:
    """Without what b reads from outside, 1 would be the half of all that reaches a, as 2 is."""
    layers = [{"name": "a", "kind": "batch-norm"}, {"name": "b", "kind": "batch-norm"}]
    parent = cyclic(layers=layers, merges={"a": {"aggregate": "squeeze"}})
    assert widths(parent) == {"input": 1, "a": 2, "b": 3}

    assert widths(without(parent, FeatureMap("input", "b", 0))) == {"input": 1, "a": 2, "b": 2}


@pytest.mark.parametrize("aggregate", ["sum", "max", "mean"])
@pytest.mark.parametrize("unread", [(), (FeatureMap("b", "head", 0),)])
def test_a_cut_keeps_feature_maps_that_nothing_outside_a_cycle_brings(
    aggregate: str, unread: tuple[FeatureMap, ...]
) -> None:
    """The normalisation makes something of the third feature map, though only the first two reach it from outside."""
    layers = [
        {"name": "wide", "kind": "conv", "feature_maps": 3},
        {"name": "a", "kind": "layer-norm"},
        {"name": "b", "kind": "dropout"},
    ]
    connections = {"wide": ["input"], "a": ["wide", "b"], "b": ["a"], "head": ["b"]}
    parent = cyclic(layers=layers, connections=connections, merge={"aggregate": aggregate})

    smaller = without(parent, FeatureMap("wide", "a", 2), *unread)

    assert widths(smaller) == {"input": 1, "wide": 2, "a": 3, "b": 3}
    assert smaller.shapes.merged["head"].feature_maps == 3 - len(unread)
    assert from_yaml(to_yaml(smaller)) == smaller
    assert widths(without(smaller, FeatureMap("wide", "a", 1))) == {"input": 1, "wide": 1, "a": 3, "b": 3}


def test_a_cut_states_no_more_of_a_cycle_than_leaves_its_numbers_open() -> None:
    """Convolutions say themselves how many feature maps they give."""
    assert not without(cyclic(), FeatureMap("input", "b", 0)).selections
