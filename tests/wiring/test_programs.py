"""Wired and cut networks give what a naive account of the gates gives, over random additions and concatenations."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, fx

import connprune as cp
from connprune.architecture import Threshold
from connprune.errors import DisconnectedError
from connprune.wiring.parts import WiredGates
from tests.wiring.programs import Program, Step, expected_connections, flattened, naive, numbered, programs


def gates_of(wired: fx.GraphModule) -> WiredGates:
    return next(part for part in wired.modules() if isinstance(part, WiredGates))


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * max(1.0, other.abs().max().item()))


def lost(steps: list[Step], removed: set[tuple[int, int]]) -> set[int]:
    """The steps that nothing reaches any more: a merge that has lost its inputs, and what reads lost ones."""
    gone: set[int] = set()
    gated = expected_connections(steps)
    for target, reads in enumerate(flattened(steps), 1):
        left = [each for each in reads if (each, target) not in removed and each not in gone]
        needs = [each for each in reads if (each, target) not in gated]
        if not left or any(each in gone for each in needs):
            gone.add(target)
    return gone


def needed(steps: list[Step], removed: set[tuple[int, int]], unreached: set[int]) -> set[int]:
    """The steps that the last one is computed from, along what is left."""
    reads, ahead, found = flattened(steps), [len(steps)], {len(steps)}
    while ahead:
        target = ahead.pop()
        sources = reads[target - 1] if target else ()
        new = {each for each in sources if (each, target) not in removed and each not in unreached} - found
        ahead += new
        found |= new
    return found


@given(programs(), st.integers(0, 99), st.floats(0, 1))
@torch.no_grad()
def test_gates_act_and_go_as_a_naive_account_says(steps: list[Step], seed: int, share: float) -> None:
    program = Program(steps, seed).eval()
    images = torch.randn(2, 1, 4, 4)
    wired = cp.wire(program, images)
    same(wired(images), program(images))
    gates = gates_of(wired)
    connections = list(map(numbered, gates.connections))
    assert set(connections) == expected_connections(steps)
    closed = torch.rand(len(connections)) < share
    gates.weight.uniform_(0.1, 2).mul_(torch.randn(len(closed)).sign())
    gates.weight[closed] = 0
    values = dict(zip(connections, gates.weight.tolist(), strict=True))
    same(wired(images), naive(program, values, images))

    removed = {each for each, is_closed in zip(connections, closed.tolist(), strict=True) if is_closed}
    unreached = lost(steps, removed)
    if len(steps) in unreached:
        with pytest.raises(DisconnectedError):
            cp.shrink(wired, Threshold(0.01))
        return
    report, small = cp.preview(wired, Threshold(0.01)), cp.shrink(wired, Threshold(0.01))
    gone = {numbered(each) for each in (*report.chosen, *report.followed)}
    assert {numbered(each) for each in report.chosen} == removed
    matters = needed(steps, removed, unreached)
    assert (
        set(connections) - gone
        == {(each, target) for each, target in connections if target in matters and each not in unreached} - removed
    )
    same(small(images), naive(program, {**values, **dict.fromkeys(gone, 0.0)}, images))
    assert not any(isinstance(part, WiredGates) for part in small.modules())
    assert report.before.parameters == sum(each.numel() for each in program.parameters())
    assert report.after.parameters == sum(each.numel() for each in small.parameters())
    assert report.after.parameters <= report.before.parameters
