"""Feature maps at another height and width."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune.network.resize import Interpolate, make_resize

SIDES = st.integers(1, 40)
SIZES = st.tuples(SIDES, SIDES)
LINEAR = st.sampled_from(["bilinear", "bicubic", "area"])


def drawn(size: tuple[int, int], seed: int) -> torch.Tensor:
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(seed))


@given(before=SIZES, after=st.lists(SIZES, min_size=1, max_size=3), mode=LINEAR, seed=st.integers(0, 1000))
def test_matrix_products_resize_as_torch_does(
    before: tuple[int, int], after: list[tuple[int, int]], mode: str, seed: int
) -> None:
    """Values and gradients, so also what CUDA computes can be tried without one; the last size may go unread."""
    resize = Interpolate(before, after, mode)
    values, same = (drawn(before, seed).requires_grad_() for _ in range(2))
    by_matrices, by_torch = resize.by_matrices(values), [resize.by_torch(same, size) for size in after]
    torch.testing.assert_close(by_matrices, by_torch, rtol=1e-5, atol=3e-6)
    for made in (by_matrices, by_torch):
        read = made[: max(1, len(made) - seed % 2)]
        # A part of a concatenation, whose gradient is laid out as the whole one's.
        wholes = [torch.cat([torch.ones(2, 2, *each.shape[2:]), each], 1) for each in read]
        torch.stack([(whole * whole.detach().cos()).sum() for whole in wholes]).sum().backward()
    torch.testing.assert_close(values.grad, same.grad, rtol=1e-4, atol=1e-4)


def test_at_the_sizes_of_the_blog_network_rounding_alone_differs() -> None:
    for before, after in ((32, 30), (32, 15), (30, 15), (15, 13), (15, 6), (13, 6)):
        for mode in ("bilinear", "bicubic", "area"):
            resize = Interpolate((before, before), [(after, after)], mode)
            values = drawn((before, before), 0)
            difference = (resize.by_matrices(values)[0] - resize.by_torch(values, (after, after))).abs().max()
            assert difference <= 7e-7


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area", "nearest", "max-pool", "pad"])
def test_gates_commute_with_every_resize(mode: str) -> None:
    before, after = ((5, 7), (8, 9)) if mode == "pad" else ((8, 9), (5, 7))
    gates = torch.tensor([0.5, 2.0, 0.0])[:, None, None]
    resize = make_resize(before, [after, after], mode)
    later, first = ([each * gates for each in resize(drawn(before, 0))], resize(drawn(before, 0) * gates))
    torch.testing.assert_close(later, first)
    assert [each.shape for each in later] == [(2, 3, *after)] * 2


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area"])
def test_no_images_are_resized_to_none(mode: str) -> None:
    """As a process of several has them where there are fewer images than processes."""
    (resized,) = Interpolate((8, 8), [(4, 6)], mode).by_matrices(torch.empty(0, 3, 8, 8))
    assert resized.shape == (0, 3, 4, 6)
