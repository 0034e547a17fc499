"""A cut network computes what its parent does with the gates of the removed connections at zero."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune import build, cut
from connprune.architecture import Architecture, Keep, Threshold
from connprune.errors import DisconnectedError
from connprune.network.carry import carried
from tests.network.reference import gate_values, naive_scores
from tests.strategies import architectures


def assert_cut_equals_masked(architecture: Architecture, scores: dict[str, float], keep: int) -> Architecture | None:
    torch.manual_seed(2)
    parent = build(architecture).double().eval()
    try:
        smaller = cut(architecture, scores, Keep(keep)).architecture
    except DisconnectedError:
        return None
    network = build(smaller).double().eval()
    network.load_state_dict(carried(architecture, parent.state_dict(), smaller))
    left = set(smaller.all_connections)
    masked = {
        connection: gate if connection in left else torch.zeros_like(gate)
        for connection, gate in gate_values(parent).items()
    }
    shape = architecture.input
    images = torch.rand(2, shape.feature_maps, shape.height, shape.width, dtype=torch.float64)
    torch.testing.assert_close(network(images), naive_scores(parent, images, masked), rtol=1e-9, atol=1e-9)
    return smaller


@given(architectures(), st.data())
def test_any_cut_of_any_architecture(architecture: Architecture, data: st.DataObject) -> None:
    names = [str(connection) for connection in architecture.gated_connections]
    scores = data.draw(st.fixed_dictionaries({name: st.floats(0, 1) for name in names}))
    if names:
        assert_cut_equals_masked(architecture, scores, data.draw(st.integers(0, len(names))))


@given(architectures(), st.data())
def test_a_cut_can_be_cut_again(architecture: Architecture, data: st.DataObject) -> None:
    names = [str(connection) for connection in architecture.gated_connections]
    scores = data.draw(st.fixed_dictionaries({name: st.floats(0, 1) for name in names}))
    once = assert_cut_equals_masked(architecture, scores, max(0, len(names) - 1)) if names else None
    if once and once.gated_connections:
        assert_cut_equals_masked(once, scores, max(0, len(once.gated_connections) - 1))


def test_a_merge_keeps_its_size_when_its_smallest_input_goes(digits: Architecture) -> None:
    scores = {str(connection): 1.0 for connection in digits.gated_connections} | {
        "dropout1->conv3": 0.0,
        "pool1->conv3": 0.0,
    }
    smaller = cut(digits, scores, Threshold(0.5)).architecture
    assert smaller.merges["conv3"].size == (4, 4)
    assert smaller.shapes.merged["conv3"].size == digits.shapes.merged["conv3"].size


@pytest.mark.parametrize("keep", [10, 22, 40])
def test_the_blog_network(blog: Architecture, keep: int) -> None:
    torch.manual_seed(3)
    scores = {str(connection): float(torch.rand(())) for connection in blog.gated_connections}
    assert_cut_equals_masked(blog, scores, keep)
