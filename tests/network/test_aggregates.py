"""A maximum finds its winner among any number of inputs."""

import pytest
import torch

from connprune.network.elementwise import _GatedMax


@pytest.mark.parametrize("count", [2, 256, 257, 300])
def test_the_gradient_goes_to_the_winner(count: int) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, 2, 2, requires_grad=True) for _ in range(count)]
    inputs[-1].data[0] = 99
    largest = _GatedMax.apply(3, [None] * count, *[None] * count, *inputs)
    expected = torch.stack(inputs).amax(0)
    assert torch.equal(largest, expected)
    weighting = torch.randn_like(expected)
    found = torch.autograd.grad((largest * weighting).sum(), inputs)
    for gradient, wanted in zip(found, torch.autograd.grad((expected * weighting).sum(), inputs), strict=True):
        assert torch.equal(gradient, wanted)


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_what_is_no_number_shows_in_a_maximum(broken: int) -> None:
    inputs = [torch.ones(1, 2, 1, 1) for _ in range(3)]
    inputs[broken][0, 0] = torch.nan
    largest = _GatedMax.apply(2, [None] * 3, *[None] * 3, *inputs)
    assert largest.isnan().flatten().tolist() == [True, False]
