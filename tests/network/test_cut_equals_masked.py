"""A cut network computes what its parent does with the gates of the removed connections at zero."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune import build, cut
from connprune.architecture import Architecture, Keep, Threshold
from connprune.architecture.cutting import GateValues
from connprune.errors import DisconnectedError
from connprune.network.slicing import sliced_weights
from tests.network.reference import carried_maps, gate_values, naive_scores, shaken
from tests.strategies import AGGREGATES, architectures


def assert_cut_equals_masked(architecture: Architecture, scores: GateValues, keep: int) -> Architecture | None:
    torch.manual_seed(2)
    parent = shaken(build(architecture).double()).eval()
    try:
        outcome = cut(architecture, scores, Keep(keep))
    except DisconnectedError:
        return None
    smaller, kept = outcome.architecture, outcome.kept
    network = build(smaller).double().eval()
    network.load_state_dict(sliced_weights(architecture, parent.state_dict(), outcome))
    masked = {}
    own = gate_values(parent)
    for connection in architecture.all_connections:
        mask = torch.zeros(carried_maps(architecture, connection), dtype=torch.float64)
        mask[list(kept.connections.get(connection.target, {}).get(connection.source, ()))] = 1
        masked[connection] = own.get(connection, torch.ones_like(mask)) * mask
    removed = set(architecture.all_connections) - set(smaller.all_connections)
    shape = architecture.input
    images = torch.rand(2, shape.feature_maps, shape.height, shape.width, dtype=torch.float64) * 2 - 1
    expected = naive_scores(parent, images, masked, removed, kept.merged)
    torch.testing.assert_close(network(images), expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(naive_scores(network, images), expected, rtol=1e-9, atol=1e-9)
    return smaller


def scores_for(architecture: Architecture, by_map: bool, data: st.DataObject) -> tuple[GateValues, int]:
    """Random scores, of connections or of their feature maps, and how many of them there are."""
    counts = {str(c): carried_maps(architecture, c) for c in architecture.gated_connections}
    score = st.floats(0, 1)
    if not by_map:
        return data.draw(st.fixed_dictionaries(dict.fromkeys(counts, score))), len(counts)
    lists = {name: st.lists(score, min_size=count, max_size=count) for name, count in counts.items()}
    return data.draw(st.fixed_dictionaries(lists)), sum(counts.values())


@given(architectures(most_passes=3), st.booleans(), st.data())
def test_any_cut_of_any_architecture(architecture: Architecture, by_map: bool, data: st.DataObject) -> None:
    scores, count = scores_for(architecture, by_map, data)
    if count:
        assert_cut_equals_masked(architecture, scores, data.draw(st.integers(0, count)))


@given(architectures(most_passes=3), st.booleans(), st.booleans(), st.data())
def test_a_cut_can_be_cut_again(
    architecture: Architecture, by_map: bool, again_by_map: bool, data: st.DataObject
) -> None:
    scores, count = scores_for(architecture, by_map, data)
    once = assert_cut_equals_masked(architecture, scores, max(0, count - 2)) if count else None
    if once and once.gated_connections:
        scores, count = scores_for(once, again_by_map, data)
        assert_cut_equals_masked(once, scores, max(0, count - 1))


@pytest.mark.parametrize("by_map", [False, True])
@pytest.mark.parametrize("sharing", ["shared", "per-feature-map"])
@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_the_digits_network(digits: Architecture, aggregate: str, sharing: str, by_map: bool) -> None:
    architecture = digits.replace(
        merge={"aggregate": aggregate}, gates={"sharing": sharing, "initialisation": {"kind": "normal"}}
    )
    generator = torch.Generator().manual_seed(4)
    counts = {str(c): carried_maps(architecture, c) for c in architecture.gated_connections}
    drawn = {name: torch.rand(count, generator=generator).tolist() for name, count in counts.items()}
    scores: GateValues = drawn if by_map else {name: values[0] for name, values in drawn.items()}
    total = sum(counts.values()) if by_map else len(counts)
    for share in (0.9, 0.6, 0.4):
        assert_cut_equals_masked(architecture, scores, round(share * total))


@pytest.mark.parametrize("sharing", ["shared", "per-feature-map"])
@pytest.mark.parametrize("aggregate", [name for name in AGGREGATES if name != "max"])
def test_the_parent_itself_with_these_gates_at_zero(digits: Architecture, aggregate: str, sharing: str) -> None:
    """Where zeros stay zeros up to the weights that read them, as in this network."""
    torch.manual_seed(5)
    architecture = digits.replace(merge={"aggregate": aggregate}, gates={"sharing": sharing})
    parent = shaken(build(architecture)).double().eval()
    counts = dict(zip(architecture.gated_connections, architecture.gate_counts, strict=True))
    by_map = sharing == "per-feature-map"
    scores = {str(c): torch.rand(count).tolist() if by_map else float(torch.rand(())) for c, count in counts.items()}
    outcome = cut(architecture, scores, Keep(round(0.6 * sum(counts.values()))))
    network = build(outcome.architecture).double().eval()
    network.load_state_dict(sliced_weights(architecture, parent.state_dict(), outcome))
    masks = []
    for connection, count in counts.items():
        mask = torch.zeros(carried_maps(architecture, connection), dtype=torch.float64)
        mask[list(outcome.kept.connections.get(connection.target, {}).get(connection.source, ()))] = 1
        masks.append(mask[:count])
    assert parent.gates is not None
    images = torch.rand(3, 1, 8, 8, dtype=torch.float64) * 255
    torch.testing.assert_close(network(images), parent(images, parent.gates.values() * torch.cat(masks)))


def test_feature_maps_that_nobody_reads_are_not_made(digits: Architecture) -> None:
    counts = {str(c): carried_maps(digits, c) for c in digits.gated_connections}
    scores = {name: [1.0] * count for name, count in counts.items()}
    for name in scores:
        if name.startswith("conv1->"):
            scores[name][3] = scores[name][7] = 0.0
    smaller = cut(digits, scores, Threshold(0.5)).architecture
    assert smaller.shapes.output["conv1"].feature_maps == 14
    assert smaller.shapes.merged["pool1"].feature_maps == digits.shapes.merged["pool1"].feature_maps - 2
    assert not smaller.selections


def test_a_merge_keeps_its_size_when_its_smallest_input_goes(digits: Architecture) -> None:
    scores = {str(connection): 1.0 for connection in digits.gated_connections} | {
        "dropout1->conv3": 0.0,
        "pool1->conv3": 0.0,
    }
    smaller = cut(digits, scores, Threshold(0.5)).architecture
    assert smaller.merges["conv3"].size == (4, 4)
    assert smaller.shapes.merged["conv3"].size == digits.shapes.merged["conv3"].size


@pytest.mark.parametrize(
    "chosen", [{"conv3": {"aggregate": "mean"}}, {"conv3": {"aggregate": "mean", "denominator": 7}}]
)
def test_a_mean_keeps_its_denominator_when_connections_go(digits: Architecture, chosen: dict[str, Any]) -> None:
    architecture = digits.replace(merges=chosen)
    denominator = chosen["conv3"].get("denominator", len(architecture.connections["conv3"]))
    scores = {
        str(read.connection): [1.0] * read.maps
        for reads in architecture.reads.values()
        for read in reads
        if read.connection in architecture.gated_connections
    }
    scores["conv1->conv3"][:3] = [0.0] * 3
    narrower = cut(architecture, scores, Threshold(0.5)).architecture
    assert narrower.merge_of("conv3").denominator == chosen["conv3"].get("denominator")
    for lost in ("conv1", "input"):
        scores[f"{lost}->conv3"] = [0.0] * len(scores[f"{lost}->conv3"])
    once = cut(architecture, scores, Threshold(0.5)).architecture
    assert len(once.connections["conv3"]) == len(architecture.connections["conv3"]) - 2
    assert once.merge_of("conv3").denominator == denominator
    remaining = {str(connection): 1.0 for connection in once.gated_connections} | {"conv2->conv3": 0.0}
    assert cut(once, remaining, Threshold(0.5)).architecture.merge_of("conv3").denominator == denominator


@pytest.mark.parametrize("keep", [10, 22, 40])
def test_the_blog_network(blog: Architecture, keep: int) -> None:
    torch.manual_seed(3)
    scores = {str(connection): float(torch.rand(())) for connection in blog.gated_connections}
    assert_cut_equals_masked(blog, scores, keep)
