"""A cut follows feature maps through layers that keep them apart, and leaves together what belongs together."""

from itertools import islice
from typing import Any

import pytest
from hypothesis import given

from connprune import cut
from connprune.architecture import Architecture, Threshold, baselines
from connprune.architecture.baselines import wirings_within
from connprune.architecture.cutting import Cut, restricted
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import DisconnectedError, UsageError
from tests.strategies import architectures


def chain(*layers: dict[str, Any], **keys: Any) -> Architecture:
    """A first convolution of 8 feature maps, l0, and these layers behind it, l1, l2, …"""
    first = {"kind": "conv", "feature_maps": 8}
    return Architecture.model_validate(
        {
            "input": {"feature_maps": 3, "height": 9, "width": 7},
            "classes": 4,
            "layers": [{"name": f"l{number}", **layer} for number, layer in enumerate([first, *layers])],
            "connections": "chain",
            "gates": {"sharing": "per-feature-map"},
            "head": {"reduce": "average"},
            **keys,
        }
    )


def without(architecture: Architecture, removed: dict[str, list[int]]) -> Cut:
    """The cut of these feature maps of connections."""
    scores = {str(c): [1.0] * architecture.shapes.output[c.source].feature_maps for c in architecture.gated_connections}
    for connection, places in removed.items():
        for place in places:
            scores[connection][place] = 0.0
    return cut(architecture, scores, Threshold(0.5))


def widths(architecture: Architecture) -> list[int]:
    return [architecture.shapes.output[layer.name].feature_maps for layer in architecture.layers]


DEPTHWISE = [
    {"kind": "depthwise-conv", "norm": "batch", "bias": True},
    {"kind": "conv", "feature_maps": 8, "groups": 8, "norm": "batch", "bias": True},
]


@pytest.mark.parametrize("layer", DEPTHWISE, ids=["depthwise-conv", "conv with as many groups"])
@pytest.mark.parametrize("removed", ["l0->l1", "l1->head"])
def test_a_depthwise_layer_passes_a_cut_on_both_ways(layer: dict[str, Any], removed: str) -> None:
    """Only the two feature maps go, with what makes them and what reads them."""
    architecture = chain(layer)
    smaller = without(architecture, {removed: [2, 5]}).architecture
    assert widths(smaller) == [6, 6]
    assert smaller.shapes.merged["head"].feature_maps == 6
    assert not smaller.selections
    # The convolution, the depthwise one with its bias and two numbers of the normalisation, the classes, the gates.
    by_hand = 3 * 9 * 6 + (9 + 1 + 2) * 6 + (6 + 1) * 4 + 6 + 6
    assert parameter_count(smaller) == by_hand
    assert mac_count(smaller) == 63 * (3 * 9 * 6 + 9 * 6) + 6 * 4


def test_a_depthwise_layer_follows_its_width_in_a_dense_wiring() -> None:
    layers: list[dict[str, Any]] = [
        {"kind": "depthwise-conv", "kernel": [3, 1], "norm": "batch"},
        {"kind": "conv", "feature_maps": 5},
        {"kind": "depthwise-conv", "stride": 2},
    ]
    architecture = chain(*layers, connections="dense")
    assert widths(architecture) == [8, 11, 5, 27]
    smaller = without(architecture, {"input->l3": [0, 1, 2], "l2->l3": [4]}).architecture
    assert widths(smaller) == [8, 11, 5, 23]


GROUPED = {"kind": "conv", "feature_maps": 12, "groups": 4}


def test_a_grouped_convolution_loses_the_groups_that_lack_an_input() -> None:
    smaller = without(chain(GROUPED), {"l0->l1": [3]}).architecture
    assert widths(smaller) == [6, 9]
    assert smaller.layer["l1"].groups == 3  # type: ignore[attr-defined]
    assert parameter_count(smaller) == 3 * 9 * 6 + 2 * 9 * 9 + (9 + 1) * 4 + 6 + 9


def test_a_grouped_convolution_keeps_a_group_as_long_as_one_of_its_maps_is_read() -> None:
    kept = without(chain(GROUPED), {"l1->head": [0, 1, 4]}).architecture
    assert widths(kept) == [8, 12]
    assert kept.shapes.merged["head"].feature_maps == 9
    smaller = without(chain(GROUPED), {"l1->head": [0, 1, 2, 4]}).architecture
    assert widths(smaller) == [6, 9]
    assert smaller.shapes.merged["head"].feature_maps == 8


def test_a_sum_lacks_only_what_nothing_brings() -> None:
    """A feature map that one of two connections still brings is there, so the group that reads it stays."""
    layers = [{"kind": "conv", "feature_maps": 8}, {**GROUPED, "activation": "none"}]
    sources = {"l0": ["input"], "l1": ["l0"], "l2": ["l0", "l1"], "head": ["l2"]}
    architecture = chain(*layers, connections=sources, merge={"aggregate": "sum"})
    assert widths(without(architecture, {"l0->l2": [3]}).architecture) == [8, 8, 12]
    assert widths(without(architecture, {"l0->l2": [3], "l1->l2": [3]}).architecture) == [8, 6, 9]


@pytest.mark.parametrize(
    ("layer", "left"),
    [
        ({"kind": "group-norm", "group_size": 2}, [6, 6]),
        ({"kind": "batch-norm"}, [7, 7]),
        ({"kind": "conv", "feature_maps": 6, "norm": {"kind": "group", "group_size": 3}}, [7, 6]),
        ({"kind": "conv", "feature_maps": 6, "norm": "layer"}, [7, 6]),
        ({**GROUPED, "groups": 1, "order": "norm-act-conv", "norm": {"kind": "group", "group_size": 4}}, [4, 12]),
    ],
)
def test_what_is_normalised_together_goes_together(layer: dict[str, Any], left: list[int]) -> None:
    assert widths(without(chain(layer), {"l0->l1": [3]}).architecture) == left


@pytest.mark.parametrize(
    ("layer", "left"),
    [
        ({"kind": "group-norm", "group_size": 4}, [8, 8]),
        ({"kind": "conv", "feature_maps": 8, "norm": {"kind": "group", "group_size": 2}}, [8, 8]),
        ({"kind": "conv", "feature_maps": 8, "norm": "batch"}, [8, 7]),
    ],
)
def test_what_is_normalised_together_stays_together(layer: dict[str, Any], left: list[int]) -> None:
    assert widths(without(chain(layer), {"l1->head": [3]}).architecture) == left


def test_a_layer_normalisation_goes_with_the_first_of_its_inputs() -> None:
    with pytest.raises(DisconnectedError):
        without(chain({"kind": "layer-norm"}), {"l0->l1": [3]})


def test_a_head_that_normalises_loses_whole_groups() -> None:
    head = {"norm": {"kind": "group", "group_size": 4}, "reduce": "average"}
    smaller = without(chain(head=head), {"l0->head": [1]}).architecture
    assert widths(smaller) == [4]
    assert parameter_count(smaller) == 3 * 9 * 4 + 2 * 4 + (4 + 1) * 4 + 4


def test_baselines_read_all_of_what_a_grouped_layer_reads_or_lack_it() -> None:
    """Also through layers that pass their feature maps on: else a wiring would lose connections that it asked for."""
    layers: list[dict[str, Any]] = [{"kind": "depthwise-conv"}, {"kind": "conv", "feature_maps": 8, "groups": 2}]
    sources = {"l0": ["input"], "l1": ["input", "l0"], "l2": ["input", "l1"], "head": ["l0", "l2"]}
    architecture = chain(*layers, connections=sources)
    wirings = list(wirings_within(architecture))
    assert {(len(wiring.get("l1", ())), len(wiring.get("l2", ()))) for wiring in wirings} == {(0, 0), (2, 2)}


def two_convolutions(widths: tuple[int, int], **keys: Any) -> Architecture:
    """conv1 and conv2, of which conv2 and the head read both what is before them; the head normalises groups of two."""
    layers = [{"name": f"conv{n}", "kind": "conv", "feature_maps": width} for n, width in enumerate(widths, 1)]
    return Architecture.model_validate(
        {
            "input": {"feature_maps": 3, "height": 9, "width": 7},
            "classes": 4,
            "layers": layers,
            "connections": {"conv1": ["input"], "conv2": ["input", "conv1"], "head": ["conv1", "conv2"]},
            "head": {"norm": {"kind": "group", "group_size": 2}},
            **keys,
        }
    )


def test_baselines_may_lack_a_source_whose_blocks_are_its_own() -> None:
    parent = two_convolutions((4, 4))
    cut_to = restricted(parent, {"conv2": ["input"], "head": ["conv2"]})
    (found,) = baselines.random(baselines.Pair(parent, cut_to, 0), 1)
    assert found.connections == {"conv1": ("input",), "head": ("conv1",)}
    # conv1 reads as many feature maps as conv2 does.
    assert baselines.random_params(baselines.Pair(parent, cut_to, 0), 1) == [found]


def test_baselines_of_as_many_parameters_are_said_to_be_missing() -> None:
    """A group of two spans both convolutions, so the cut, which lacks one feature map of conv1, is not in the space."""
    parent = two_convolutions((3, 4), merge={"aggregate": "sum"})
    pair = baselines.Pair(parent, restricted(parent, {"conv1": ["input"], "head": ["conv1"]}), 0)
    with pytest.raises(UsageError, match="baseline random-params:1: no wirings of 2 to 2 connections were found"):
        baselines.random_params(pair, 1)


@given(architectures(gated=False))
def test_every_wiring_that_a_parent_could_be_cut_down_to_is_one(parent: Architecture) -> None:
    for wiring in islice(wirings_within(parent), 20):
        assert restricted(parent, wiring).connections == wiring
