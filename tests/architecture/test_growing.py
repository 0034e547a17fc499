"""Blocks that grow to networks: counts by hand, and the wiring of any block in each of its copies."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from connprune.architecture import Architecture
from connprune.architecture.base import HEAD, INPUT, Shape
from connprune.architecture.baselines import wirings_within
from connprune.architecture.cutting import cut_connections, restricted
from connprune.architecture.gates import Gates
from connprune.architecture.growing import gated, grown
from connprune.architecture.growth import Growth, copied, transition
from connprune.architecture.growth_budget import Most, balanced, of_macs, widest
from connprune.architecture.rules import FeatureMap, Sparsity, Unit
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import DisconnectedError, UsageError
from tests.strategies import architectures


@st.composite
def blocks(draw: st.DrawFn) -> Architecture:
    """A cut: of whole connections, or of single feature maps."""
    parent = draw(architectures(gated=False))
    random = Random(draw(st.integers(0, 10**6)))
    if draw(st.booleans()):
        return restricted(parent, next(wirings_within(parent).draws(random)))
    scores: dict[Unit, float] = {
        FeatureMap(*connection, number): random.random()
        for connection in parent.all_connections
        for number in range(parent.read[connection].maps)
    }
    try:
        return cut_connections(parent, scores, Sparsity(0.3))
    except DisconnectedError:
        return parent


def simple(**keys: object) -> Architecture:
    """Two convolutions and a pooling, of which the head reads the first and the last."""
    return Architecture.model_validate(
        {
            "input": {"feature_maps": 1, "height": 8, "width": 8},
            "classes": 10,
            "layers": [
                {"name": "one", "kind": "conv", "feature_maps": 4, "padding": "valid"},
                {"name": "two", "kind": "conv", "feature_maps": 6, "stride": 2},
                {"name": "pool", "kind": "max-pool"},
            ],
            "connections": {
                "one": ["input"],
                "two": ["input", "one"],
                "pool": ["two"],
                "head": ["one", "pool"],
            },
            "head": {"reduce": "average"},
            **keys,
        }
    )


def test_counts_by_hand() -> None:
    network = grown(simple(), Growth(Shape(3, 32, 32), 5, repeat=2))
    assert [str(network.shapes.output[name]) for name in ("stem", "b1-one", "b1-two", "b1-pool")] == [
        "4@32",
        "4@32",
        "6@32",
        "6@32",
    ]
    assert [str(network.shapes.output[name]) for name in ("transition1", "transition1-pool", "b2-one", "b2-two")] == [
        "8@32",
        "8@16",
        "8@16",
        "12@16",
    ]
    # Weights of each convolution, then scale and shift of the two normalisations; the head reads 8 + 12 feature maps.
    weights = 9 * 3 * 4 + 9 * 4 * 4 + 9 * 8 * 6 + 10 * 8 + 9 * 8 * 8 + 9 * 16 * 12
    assert parameter_count(network) == weights + 2 * (4 + 8) + 20 * 5 + 5
    first = (9 * 3 * 4 + 9 * 4 * 4 + 9 * 8 * 6 + 10 * 8) * 32 * 32
    assert mac_count(network) == first + (9 * 8 * 8 + 9 * 16 * 12) * 16 * 16 + 20 * 5


def test_sizes_and_widths_of_imagenet() -> None:
    network = grown(simple(), Growth(Shape(3, 224, 224), 1000, repeat=8, width=Fraction(2)))
    sides = [network.shapes.output[copied(copy, "two")].height for copy in range(1, 9)]
    maps = [network.shapes.output[copied(copy, "two")].feature_maps for copy in range(1, 9)]
    assert sides == [56, 56, 28, 28, 14, 14, 7, 7]
    assert maps == [12, 12, 24, 24, 48, 48, 96, 96]
    assert [layer.name for layer in network.layers[:2]] == ["stem", "stem-pool1"]
    assert network.shapes.output["stem"] == (8, 112, 112)
    assert transition(1) in network.layer
    assert f"{transition(1)}-pool" not in network.layer
    assert network.classes == 1000


@pytest.mark.parametrize(("side", "repeat", "sides"), [(8, 3, [8] * 3), (32, 4, [32, 32, 16, 8]), (33, 1, [33])])
def test_stages_without_a_word(side: int, repeat: int, sides: list[int]) -> None:
    network = grown(simple(), Growth(Shape(1, side, side), 2, repeat=repeat))
    assert [network.shapes.output[copied(copy, "one")].height for copy in range(1, repeat + 1)] == sides


@given(blocks(), st.integers(1, 4), st.data())
def test_each_copy_has_the_wiring_of_the_block(block: Architecture, repeat: int, data: st.DataObject) -> None:
    shape = block.shapes.output[INPUT]
    if shape.height > 1:
        shape = data.draw(st.sampled_from([shape, Shape(3, 32, 32), Shape(3, 80, 33), Shape(1, 7, 9)]))
    stages = data.draw(st.one_of(st.none(), st.integers(1, min(repeat, 3))))
    width = data.draw(st.sampled_from([Fraction(1, 8), Fraction(1), Fraction(5, 3)]))
    growth = Growth(shape, data.draw(st.integers(2, 20)), repeat, stages, width)
    whole = [layer.name for layer in block.layers if layer.kind in ("global-pool", "linear")]
    if whole or not block.layers:
        event("no block")
        with pytest.raises(UsageError, match=whole[0] if whole else "no layers"):
            grown(block, growth)
        return
    network = grown(block, growth)
    assert network.input == network.input.model_validate(shape._asdict())
    assert network.classes == growth.classes
    before = network.layers[0].name if growth.halvings < 2 else f"stem-pool{growth.halvings - 1}"
    for copy in range(1, repeat + 1):
        back = {copied(copy, layer.name): layer.name for layer in block.layers} | {before: INPUT}
        end = HEAD if copy == repeat else transition(copy)
        for target in (*block.layer, HEAD):
            mine = end if target == HEAD else copied(copy, target)
            assert tuple(back[source] for source in network.connections[mine]) == block.connections[target]
        for layer in block.layers:
            name = copied(copy, layer.name)
            assert network.layer[name].kind == layer.without_strides().kind
            assert network.shapes.output[name].size == network.shapes.output[before].size
        before = f"{end}-pool" if f"{end}-pool" in network.layer else end
    assert Architecture.model_validate(network.model_dump()) == network


@pytest.mark.parametrize(("repeat", "stages", "why"), [(2, 3, "a copy for each"), (9, 5, "at most 4")])
def test_stages_that_there_cannot_be(repeat: int, stages: int, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Growth(Shape(1, 8, 8), 2, repeat=repeat, stages=stages)
    assert len(set(Growth(Shape(1, 8, 8), 2, repeat=4, stages=4).stage_of)) == 4


@given(blocks(), st.integers(1, 3))
def test_gates_are_where_the_block_has_them(block: Architecture, repeat: int) -> None:
    if not block.layers or any(layer.kind in ("global-pool", "linear") for layer in block.layers):
        event("no block")
        return
    growth = Growth(block.shapes.output[INPUT], 2, repeat=repeat)
    first = block.layers[0].name
    network = gated(grown(block, growth), block, growth, block.replace(gates=Gates(ungated=(first,))).gates or Gates())
    with_gates = {connection.target for connection in network.gated_connections}
    ends = {transition(copy) for copy in range(1, repeat)} | {HEAD}
    copies = {copied(copy, layer.name) for copy in range(1, repeat + 1) for layer in block.layers[1:]}
    assert with_gates == ends | copies


BUDGETS = st.tuples(st.one_of(st.none(), st.integers(200, 10**6)), st.one_of(st.none(), st.integers(2000, 10**8)))


@settings(max_examples=15)
@given(BUDGETS, st.integers(1, 3))
def test_the_widest_within_a_budget(budget: tuple[int | None, int | None], repeat: int) -> None:
    most, growth = Most(*budget), Growth(Shape(1, 16, 16), 2, repeat=repeat)
    assume(most != Most())
    found = widest(simple(), growth, most)
    if found is None:
        assert not most.allows(grown(simple(), replace(growth, width=Fraction(1, 1024))))
        return
    assert most.allows(grown(simple(), found))
    assert not most.allows(grown(simple(), replace(found, width=found.width * 2)))
    assert not most.allows(grown(simple(), replace(found, width=found.width + Fraction(1, 4))))


def test_copies_and_width_are_balanced() -> None:
    """Each copy more than one for a stage leaves a width whose square is no smaller than the copies of a stage."""
    growth = Growth.of(Shape(3, 32, 32), 10, None, None)
    assert growth.repeat == 3
    small, large = (balanced(simple(), growth, Most(macs=macs)) for macs in (10**6, 2 * 10**8))
    assert (small.repeat, small.width < 1) == (3, True)
    assert large.width**2 * 3 >= large.repeat > 3
    deeper = widest(simple(), replace(large, repeat=large.repeat + 1), Most(macs=2 * 10**8))
    assert deeper is not None
    assert deeper.width**2 * 3 < deeper.repeat
    with pytest.raises(UsageError, match=r"found at most 10 MACs, but 3 copies of the smallest width cost"):
        balanced(simple(), growth, Most(macs=10))


@settings(max_examples=15)
@given(st.sampled_from(["dense", "chain", "residual"]), st.integers(2 * 10**5, 10**8))
def test_the_width_of_as_many_macs(wiring: str, macs: int) -> None:
    block = simple(connections=wiring)
    found = of_macs(block, Growth(Shape(1, 16, 16), 2, repeat=2), macs)
    ours = abs(mac_count(grown(block, found)) - macs)
    for step in (-1, 1):
        other = grown(block, replace(found, width=found.width + Fraction(step, 1024)))
        assert ours <= abs(mac_count(other) - macs)


def test_long_names_have_a_number_instead() -> None:
    name = "a" * 64
    block = simple()
    longer = Architecture.model_validate(
        {
            **block.model_dump(),
            "layers": [{"kind": "conv", "feature_maps": 2, "name": name}],
            "connections": "chain",
        }
    )
    assert [layer.name for layer in grown(longer, Growth(Shape(1, 8, 8), 2)).layers] == ["stem", "b1-1"]
