"""What the kinds of gates that are drawn or chosen do in training and in evaluation."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune import build
from connprune.architecture import Architecture
from connprune.network.gates import GateVector

UNIFORM = {"kind": "uniform", "low": -2.0, "high": 2.0}


def gates_of(architecture: Architecture, kind: str, seed: int = 0, **settings: object) -> GateVector:
    torch.manual_seed(seed)
    gates = build(architecture.replace(gates={"kind": kind, "initialisation": UNIFORM, **settings})).gates
    assert gates is not None
    return gates


@pytest.mark.parametrize("kind", ["bernoulli"])
def test_a_drawn_gate_is_open_as_often_as_it_says(digits: Architecture, kind: str) -> None:
    gates = gates_of(digits, kind, temperature={"start": 0.5, "end": 0.5})
    with torch.no_grad():
        draws = torch.stack([gates.kind.sampled(gates.weight, gates.temperature) for _ in range(4000)])
    assert ((draws == 0) | (draws == 1)).all()
    probability = torch.sigmoid(gates.weight.detach() / 0.5)
    torch.testing.assert_close(gates.values().detach(), probability)
    torch.testing.assert_close(gates.openness().detach(), probability)
    # Five standard errors of the widest.
    torch.testing.assert_close(draws.mean(0), probability, atol=5 * 0.5 / 4000**0.5, rtol=0)


@pytest.mark.parametrize("kind", ["bernoulli"])
def test_a_network_draws_in_training_and_never_in_evaluation(digits: Architecture, kind: str) -> None:
    gates = gates_of(digits, kind)
    one, other = ({name: each.detach() for name, each in gates().items()} for _ in range(2))
    assert any(not torch.equal(one[name], other[name]) for name in one)
    gates.eval()
    one, other = gates(), gates()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(torch.cat(list(one.values())), torch.cat(list(gates(gates.values()).values())))


@given(st.integers(0, 1000), st.floats(0.1, 3))
def test_the_gradient_of_a_bernoulli_gate_is_that_of_its_probability(
    digits: Architecture, seed: int, temperature: float
) -> None:
    gates = gates_of(digits, "bernoulli", seed, temperature={"start": temperature, "end": temperature})
    of_result = torch.randn_like(gates.weight)
    found = torch.autograd.grad(gates.kind.sampled(gates.weight, gates.temperature), gates.weight, of_result)[0]
    wanted = torch.autograd.grad(torch.sigmoid(gates.weight / temperature), gates.weight, of_result)[0]
    torch.testing.assert_close(found, wanted)
