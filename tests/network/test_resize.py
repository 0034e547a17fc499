"""Feature maps at another height and width."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from connprune.network.feature_maps import FeatureMaps
from connprune.network.resize import Interpolate, make_resize

SIDES = st.integers(1, 40)
SIZES = st.tuples(SIDES, SIDES)
LINEAR = st.sampled_from(["bilinear", "bicubic", "area"])


def drawn(size: tuple[int, int], seed: int) -> torch.Tensor:
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(seed))


@given(before=SIZES, after=SIZES, mode=LINEAR, seed=st.integers(0, 1000))
def test_two_matrix_products_resize_as_torch_does(
    before: tuple[int, int], after: tuple[int, int], mode: str, seed: int
) -> None:
    """Values and gradients, so also what CUDA computes can be tried without one."""
    resize = Interpolate(before, after, mode)
    values, same = (drawn(before, seed).requires_grad_() for _ in range(2))
    by_matrices, by_torch = resize.by_matrices(values), resize.by_torch(same, after)
    torch.testing.assert_close(by_matrices, by_torch, rtol=1e-5, atol=3e-6)
    weights = drawn(after, seed + 1)
    (by_matrices * weights).sum().backward()
    (by_torch * weights).sum().backward()
    torch.testing.assert_close(values.grad, same.grad, rtol=1e-4, atol=3e-5)


def test_at_the_sizes_of_the_blog_network_rounding_alone_differs() -> None:
    for before, after in ((32, 30), (32, 15), (30, 15), (15, 13), (15, 6), (13, 6)):
        for mode in ("bilinear", "bicubic", "area"):
            resize = Interpolate((before, before), (after, after), mode)
            values = drawn((before, before), 0)
            difference = (resize.by_matrices(values) - resize.by_torch(values, (after, after))).abs().max()
            assert difference <= 7e-7


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area", "nearest", "max-pool", "pad"])
def test_gates_commute_with_every_resize(mode: str) -> None:
    before, after = ((5, 7), (8, 9)) if mode == "pad" else ((8, 9), (5, 7))
    gates = torch.tensor([0.5, 2.0, 0.0])
    resize = make_resize(before, after, mode)
    pending = resize(FeatureMaps(drawn(before, 0), gates)).gated()
    torch.testing.assert_close(pending, resize(FeatureMaps(drawn(before, 0) * gates[:, None, None])).values)
    assert pending.shape == (2, 3, *after)


def test_the_maximum_of_maps_whose_gates_may_be_negative_is_of_the_products() -> None:
    gates = torch.tensor([-1.0, 1.0, -0.5])
    maps = FeatureMaps(drawn((6, 6), 0), gates, gates_are_positive=False)
    found = make_resize((6, 6), (3, 3), "max-pool")(maps)
    assert found.gates is None
    torch.testing.assert_close(found.values, F.max_pool2d(maps.gated(), 2))


def test_the_same_size_needs_no_resize() -> None:
    maps = FeatureMaps(drawn((6, 6), 0))
    assert make_resize((6, 6), (6, 6), "bicubic")(maps) is maps
