"""What the kinds of gates that are drawn or chosen do in training and in evaluation."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune import build, cut
from connprune.architecture import Architecture, Keep
from connprune.architecture.allowed import open_gates
from connprune.errors import UsageError
from connprune.network.gate_kinds import Reinforce
from connprune.network.gates import GateVector
from connprune.network.slicing import sliced_weights
from connprune.training.configuration import design, resolve

UNIFORM = {"kind": "uniform", "low": -2.0, "high": 2.0}


def gates_of(architecture: Architecture, kind: str, seed: int = 0, **settings: object) -> GateVector:
    torch.manual_seed(seed)
    gates = build(architecture.replace(gates={"kind": kind, "initialisation": UNIFORM, **settings})).gates
    assert gates is not None
    return gates


@pytest.mark.parametrize("kind", ["bernoulli", "reinforce"])
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


@pytest.mark.parametrize("kind", ["bernoulli", "reinforce"])
def test_a_network_draws_in_training_and_never_in_evaluation(digits: Architecture, kind: str) -> None:
    gates = gates_of(digits, kind)
    one, other = ({name: each.detach() for name, each in gates(gates.of_this_pass()).items()} for _ in range(2))
    assert any(not torch.equal(one[name], other[name]) for name in one)
    gates.eval()
    one, other = gates(gates.of_this_pass()), gates(gates.of_this_pass())
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


@given(st.integers(0, 1000), st.one_of(st.integers(1, 44), st.integers(1, 100).map(lambda share: f"{share}%")))
def test_the_best_are_open_and_all_learn(digits: Architecture, seed: int, wanted: int | str) -> None:
    gates = gates_of(digits, "top-k", seed, open=wanted)
    count = open_gates(digits.replace(gates={"kind": "top-k", "open": wanted}))
    assert count == wanted or isinstance(wanted, str)
    values = gates.values().detach()
    best = gates.weight.detach().topk(count).indices
    assert set(values.nonzero()[:, 0].tolist()) == set(best.tolist())
    torch.testing.assert_close(values[best], torch.sigmoid(gates.weight.detach()[best]))
    drawn = gates.kind.sampled(gates.weight, gates.temperature)
    assert torch.equal(drawn.detach(), values)
    found = torch.autograd.grad(drawn.sum(), gates.weight)[0]
    torch.testing.assert_close(found, torch.sigmoid(gates.weight).detach() * torch.sigmoid(-gates.weight).detach())


def test_a_closed_gate_takes_the_place_of_an_open_one(digits: Architecture) -> None:
    gates = gates_of(digits, "top-k", initialisation={"kind": "constant", "value": 0.0})
    assert gates.values().count_nonzero() == 22
    place = gates.values().tolist().index(0.0)
    optimizer = torch.optim.SGD([gates.weight], 0.1)
    (-gates.kind.sampled(gates.weight, gates.temperature)[place]).backward()
    optimizer.step()
    assert gates.values()[place] > 0
    assert gates.values().count_nonzero() == 22


@pytest.mark.parametrize("sharing", ["shared", "per-feature-map"])
def test_of_equal_gates_those_of_the_nearest_sources_are_open(digits: Architecture, sharing: str) -> None:
    """So a training can begin: each target reads something, and the weights behind it have a gradient."""
    start = {"kind": "constant", "value": 0.5}
    architecture = digits.replace(gates={"kind": "top-k", "sharing": sharing, "open": "50%", "initialisation": start})
    network = build(architecture)
    assert network.gates
    sizes: dict[str, list[float]] = {}
    parts = network.gates.values().split(list(architecture.gate_counts))
    for (_, target), part in zip(architecture.gated_connections, parts, strict=True):
        sizes.setdefault(target, []).append(part.mean().item())
    for of_target in sizes.values():
        assert of_target[-1] > 0
        assert sorted(of_target) == of_target
    network(torch.rand(4, 1, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_more_open_gates_than_there_are_is_refused() -> None:
    settings = ["gates.kind=top-k", "gates.penalty=0"]
    design(resolve("digits", assignments=[*settings, "gates.open=44"]))
    with pytest.raises(UsageError, match=r"gates\.open: found 45, expected at most 44, as many gates as this"):
        design(resolve("digits", assignments=[*settings, "gates.open=45"]))
    targets = "[conv1, conv2, pool1, dropout1, conv3, conv4, pool2, dropout2, head]"
    with pytest.raises(UsageError, match=r"gates\.open: no connection has a gate"):
        design(resolve("digits", assignments=[*settings, "gates.open=5", f"gates.ungated={targets}"]))


@given(st.integers(0, 1000), st.floats(0.1, 3))
def test_the_softmax_gates_of_a_target_share_out_one(digits: Architecture, seed: int, temperature: float) -> None:
    gates = gates_of(digits, "softmax", seed, temperature={"start": temperature, "end": temperature})
    values = dict(zip(digits.gated_connections, gates.values().tolist(), strict=True))
    w = dict(zip(digits.gated_connections, gates.weight.tolist(), strict=True))
    for target in digits.connections:
        own = [connection for connection in digits.gated_connections if connection.target == target]
        shares = torch.tensor([w[connection] / temperature for connection in own]).softmax(0)
        assert [values[connection] for connection in own] == pytest.approx(shares.tolist(), rel=1e-4)


@pytest.mark.parametrize("kind", ["top-k", "softmax"])
def test_what_a_cut_leaves_keeps_its_gates_though_others_have_gone(digits: Architecture, kind: str) -> None:
    gates = gates_of(digits, kind)
    architecture = digits.replace(gates={"kind": kind, "initialisation": UNIFORM})
    torch.manual_seed(0)
    network = build(architecture)
    before = dict(zip(architecture.gated_connections, gates.values().tolist(), strict=True))
    outcome = cut(architecture, before, Keep(15))
    smaller = build(outcome.architecture)
    smaller.load_state_dict(sliced_weights(architecture, network.state_dict(), outcome))
    assert smaller.gates is not None
    after = dict(zip(outcome.architecture.gated_connections, smaller.gates.values().tolist(), strict=True))
    assert after == {connection: before[connection] for connection in after}


def test_the_score_function_is_an_unbiased_gradient_of_the_expected_loss() -> None:
    """Of a loss that is an arbitrary function of which of three gates are open, summed over all eight cases."""
    architecture = Architecture.model_validate(
        {
            "input": {"feature_maps": 1, "height": 4, "width": 4},
            "classes": 3,
            "layers": [{"kind": "conv", "feature_maps": 2}],
            "connections": "dense",
            "gates": {"kind": "reinforce", "initialisation": UNIFORM, "ungated": []},
        }
    )
    gates = gates_of(architecture, "reinforce", ungated=[], temperature={"start": 0.7, "end": 0.7})
    assert isinstance(gates.kind, Reinforce)
    cases = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    losses = torch.randn(8) + 2
    place = torch.tensor([4.0, 2.0, 1.0])

    probability = gates.values()
    of_each = (cases * probability + (1 - cases) * (1 - probability)).prod(1)
    wanted = torch.autograd.grad((of_each * losses).sum(), gates.weight)[0]

    gradients = []
    for _ in range(4000):
        drawn = gates.kind.sampled(gates.weight, gates.temperature)
        loss = losses[int((drawn * place).sum())]
        surrogate = gates.kind.surrogate(gates.weight, gates.temperature, loss)
        gradients.append(torch.autograd.grad(surrogate, gates.weight)[0])
    found = torch.stack(gradients)
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - wanted).abs() < 5 * error).all()
    # The running mean of the last few losses, about their expectation.
    assert gates.kind.baseline.item() == pytest.approx((of_each * losses).sum().item(), abs=losses.std().item())


def test_the_baseline_starts_at_a_guess_among_the_classes(digits: Architecture) -> None:
    gates = gates_of(digits, "reinforce")
    assert isinstance(gates.kind, Reinforce)
    with pytest.raises(RuntimeError, match="no gates were drawn"):
        gates.kind.surrogate(gates.weight, gates.temperature, torch.ones(()))
    gates.kind.sampled(gates.weight, gates.temperature)
    loss = torch.tensor(math.log(10))
    surrogate = gates.kind.surrogate(gates.weight, gates.temperature, loss)
    assert torch.autograd.grad(surrogate, gates.weight)[0].count_nonzero() == 0
    assert gates.kind.baseline.item() == pytest.approx(math.log(10))
    gates.kind.surrogate(gates.weight, gates.temperature, torch.zeros(()))
    assert gates.kind.baseline.item() == pytest.approx(0.9 * math.log(10))


@pytest.mark.parametrize("kind", ["bernoulli", "reinforce"])
def test_the_gates_of_a_wiring_that_is_found_are_what_they_were_and_not_drawn(digits: Architecture, kind: str) -> None:
    before = gates_of(digits, kind, penalty=0.1, temperature={"start": 1.0, "end": 0.5})
    before.anneal(1)
    settings = digits.replace(gates={"kind": kind, "penalty": 0.1, "temperature": {"start": 1.0, "end": 0.5}}).gates
    assert settings is not None
    decided = digits.replace(gates=settings.decided())
    assert decided.gates is not None
    assert decided.gates.penalty == 0
    after = build(decided).gates
    assert after is not None
    after.load_state_dict(before.state_dict())
    after.anneal(0)
    assert torch.equal(after.values(), before.values())
    assert torch.equal(after.kind.sampled(after.weight, after.temperature), after.values())
