"""A batch of another shape is refused, whatever torch would make of it."""

import pytest
import torch

from connprune import build
from connprune.errors import ArgumentError, UsageError
from tests.conftest import preset_architecture

NETWORK = build(preset_architecture("digits")).eval()


# The second, the third and the fourth were computed: torch repeats what has one row, one column or no batch.
@pytest.mark.parametrize(
    "shape", [(2, 3, 8, 8), (2, 1, 1, 8), (2, 1, 8, 1), (2, 1, 1, 1), (8, 8), (1, 8, 8), (2, 1, 9, 9)]
)
def test_images(shape: tuple[int, ...]) -> None:
    message = f"images: found {shape}, expected the shape (batch, 1, 8, 8)."
    with pytest.raises(UsageError) as refused:
        NETWORK(torch.zeros(shape))
    assert str(refused.value) == message


@pytest.mark.parametrize("count", [1, 43, 45])
def test_gates(count: int) -> None:
    with pytest.raises(ArgumentError, match=rf"^gates: found \({count},\), expected the shape \(44,\)\.$"):
        NETWORK(torch.zeros(2, 1, 8, 8), torch.ones(count))


def test_gates_of_a_network_without() -> None:
    network = build(preset_architecture("digits").without_gates())
    with pytest.raises(ArgumentError, match=r"^gates: found"):
        network(torch.zeros(2, 1, 8, 8), torch.ones(44))


def test_a_batch_of_none_has_no_scores() -> None:
    assert NETWORK(torch.zeros(0, 1, 8, 8)).shape == (0, 10)
