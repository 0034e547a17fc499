"""Fresh weights."""

import math

import pytest
import torch

from connprune.network.convolutions import glorot


@pytest.mark.parametrize(("outputs", "inputs", "groups"), [(64, 32, 1), (64, 32, 4), (256, 256, 256), (256, 128, 64)])
def test_glorot_counts_what_goes_into_a_map_and_where_it_goes(outputs: int, inputs: int, groups: int) -> None:
    """As if each group were a convolution of its own."""
    torch.manual_seed(0)
    weights = glorot(outputs, inputs // groups, 3, 3, groups=groups).detach()
    bound = math.sqrt(6 / (9 * inputs / groups + 9 * outputs / groups))
    assert weights.shape == (outputs, inputs // groups, 3, 3)
    assert 0.98 * bound < weights.abs().max() <= bound
    assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
