"""Dropout keeps the expectation, drops the share it is told to, and draws the same mask from the same seed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune.network.dropout import dropout

COUNT = 100_000


@given(st.floats(0, 0.999))
def test_the_share_and_the_scale(rate: float) -> None:
    torch.manual_seed(0)
    found = dropout(torch.ones(COUNT), rate, training=True)
    kept = (found != 0).double().mean().item()
    # Six standard deviations of a binomial share, and half a step of the mask's resolution.
    assert abs(kept - (1 - rate)) < 6 * (rate * (1 - rate) / COUNT) ** 0.5 + 2**-16
    assert found.unique().numel() <= 2
    assert found.max().item() == pytest.approx(1 / (1 - rate), rel=0.01)


def test_neighbours_are_independent() -> None:
    """Four of them come from one draw."""
    torch.manual_seed(0)
    kept = (dropout(torch.ones(COUNT, 4), 0.5, training=True) != 0).double()
    correlation = torch.corrcoef(kept.T) - torch.eye(4)
    assert correlation.abs().max() < 6 / COUNT**0.5


def test_the_mask_follows_the_seed_and_reaches_the_gradient() -> None:
    values = torch.rand(3, 5, 7, 2, requires_grad=True)
    torch.manual_seed(1)
    found = dropout(values, 0.25, training=True)
    torch.manual_seed(1)
    assert torch.equal(found, dropout(values, 0.25, training=True))
    assert not torch.equal(found, dropout(values, 0.25, training=True))
    (gradient,) = torch.autograd.grad(found.sum(), values)
    assert torch.equal(found, gradient * values)


def test_nothing_changes_in_evaluation_or_at_rate_0() -> None:
    values = torch.rand(10)
    assert torch.equal(dropout(values, 0.5, training=False), values)
    assert torch.equal(dropout(values, 0.0, training=True), values)
