"""Gates start where their initialisation says, and commute where they are said to."""

import math

import pytest
import torch

from connprune import build
from connprune.architecture import Architecture
from connprune.architecture.cutting import macs_of_each
from connprune.network.feature_maps import folded
from connprune.network.gates import GateVector
from connprune.network.penalties import PENALTIES, relative_costs


def test_constant(digits: Architecture) -> None:
    gates = build(digits).gates
    assert gates is not None
    torch.testing.assert_close(gates.values(), torch.full((44,), 0.5).sigmoid())


def test_feed_forward_opens_the_chain(digits: Architecture) -> None:
    architecture = digits.replace(gates={"initialisation": {"kind": "feed-forward", "chain": 1.0, "rest": 0.5}})
    gates = build(architecture).gates
    assert gates is not None
    start = {str(c): w for c, w in zip(architecture.gated_connections, gates.weight.tolist(), strict=True)}
    assert {name for name, w in start.items() if w == 1.0} == {
        "conv1->conv2",
        "conv2->pool1",
        "pool1->dropout1",
        "dropout1->conv3",
        "conv3->conv4",
        "conv4->pool2",
        "pool2->dropout2",
        "dropout2->head",
    }
    assert set(start.values()) == {0.5, 1.0}


def test_normal_has_its_mean_and_deviation(blog: Architecture) -> None:
    torch.manual_seed(0)
    initialisation = {"kind": "normal", "mean": 0.5, "deviation": 0.2}
    drawn = []
    for _ in range(100):
        gates = build(blog.replace(head={"reduce": "average"}, gates={"initialisation": initialisation})).gates
        assert gates is not None
        drawn.append(gates.weight.detach())
    everything = torch.cat(drawn)
    assert everything.mean().item() == pytest.approx(0.5, abs=0.02)
    assert everything.std().item() == pytest.approx(0.2, abs=0.02)


def test_a_gate_per_feature_map(digits: Architecture) -> None:
    gates = build(digits.replace(gates={"sharing": "per-feature-map"})).gates
    assert gates is not None
    merged = digits.shapes.merged
    assert gates.weight.numel() == sum(merged[target].feature_maps for target in merged if target != "conv1")


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_every_gate_of_a_connection_is_drawn_for_itself(digits: Architecture, kind: str) -> None:
    gates = build(digits.replace(gates={"sharing": "per-feature-map", "initialisation": {"kind": kind}})).gates
    assert gates is not None
    assert len(gates.weight.unique()) > 0.99 * gates.weight.numel()


def test_the_smaller_operand_takes_the_gates() -> None:
    gates = torch.tensor([2.0, 3.0])
    weight = torch.ones(4, 2, 3, 3)
    values, scaled = folded(torch.ones(1, 2, 5, 5), gates, weight)
    assert scaled is weight
    assert values.amax((0, 2, 3)).tolist() == [2.0, 3.0]
    images = torch.ones(9, 2, 5, 5)
    values, scaled = folded(images, gates, weight)
    assert values is images
    assert scaled.amax((0, 2, 3)).tolist() == [2.0, 3.0]


def test_a_layer_may_have_any_name(digits: Architecture) -> None:
    architecture = Architecture.model_validate(
        {
            "input": {"feature_maps": 1, "height": 8, "width": 8},
            "classes": 2,
            "layers": [
                {"kind": "conv", "feature_maps": 2, "name": name} for name in ("gates", "forward", "pop", "head2")
            ],
            "connections": "chain",
        }
    )
    assert build(architecture)(torch.zeros(1, 1, 8, 8)).shape == (1, 2)


def gates_of(architecture: Architecture, **settings: object) -> GateVector:
    gates = build(architecture.replace(gates=settings)).gates
    assert gates is not None
    return gates


def test_uniform_fills_its_range(blog: Architecture) -> None:
    torch.manual_seed(0)
    drawn = torch.cat(
        [
            gates_of(digits_like, initialisation={"kind": "uniform", "low": -1.0, "high": 3.0}).weight.detach()
            for digits_like in [blog.replace(head={"reduce": "average"})] * 50
        ]
    )
    assert -1 <= drawn.min() < -0.9
    assert 2.9 < drawn.max() <= 3
    assert drawn.mean().item() == pytest.approx(1.0, abs=0.1)


def test_hard_concrete_is_random_in_training_and_settled_in_evaluation(digits: Architecture) -> None:
    gates = gates_of(digits, kind="hard-concrete", initialisation={"kind": "constant", "value": 0.0})
    torch.manual_seed(0)
    drawn = torch.stack([torch.cat(list(gates(gates.of_this_pass()).values())) for _ in range(300)])
    assert drawn.min() == 0
    assert drawn.max() == 1
    gates.eval()
    first, second = (torch.cat(list(gates(gates.of_this_pass()).values())) for _ in range(2))
    assert torch.equal(first, second)
    assert (first == 0.5).all()


def test_hard_concrete_zeros_are_exact(digits: Architecture) -> None:
    gates = gates_of(digits, kind="hard-concrete", initialisation={"kind": "constant", "value": -3.0})
    assert (gates.values() == 0).all()


def test_the_expected_l0_is_how_often_gates_are_not_zero(digits: Architecture) -> None:
    gates = gates_of(digits, kind="hard-concrete", initialisation={"kind": "uniform", "low": -2.0, "high": 1.0})
    torch.manual_seed(1)
    with torch.no_grad():
        open_share = torch.stack([gates.kind.sampled(gates.weight, gates.temperature) > 0 for _ in range(4000)])
        expected = PENALTIES["l0"](gates, torch.ones(44)).sum().item()
    assert open_share.double().mean(0).sum().item() == pytest.approx(expected, rel=0.02)


def test_the_temperature_anneals_geometrically(digits: Architecture) -> None:
    gates = gates_of(digits, temperature={"start": 1.0, "end": 0.01})
    seen = []
    for progress in (0.0, 0.5, 1.0):
        gates.anneal(progress)
        seen.append(gates.temperature.item())
        torch.testing.assert_close(gates.values(), torch.sigmoid(torch.tensor(0.5) / seen[-1]).expand(44))
    assert seen == pytest.approx([1.0, 0.1, 0.01])


def test_penalties_by_hand(digits: Architecture) -> None:
    gates = gates_of(digits, initialisation={"kind": "constant", "value": 0.0})
    ones = torch.ones(44)
    assert PENALTIES["gate"](gates, ones).sum().item() == pytest.approx(22)
    assert PENALTIES["entropy"](gates, ones).sum().item() == pytest.approx(44 * math.log(2), rel=1e-5)
    costs = relative_costs(digits)
    assert costs.mean().item() == pytest.approx(1)
    assert PENALTIES["cost"](gates, costs).sum().item() == pytest.approx(22, rel=1e-5)


def test_a_connection_costs_what_its_cut_saves(digits: Architecture) -> None:
    costs = dict(zip(map(str, digits.gated_connections), macs_of_each(digits), strict=True))
    assert costs["dropout1->conv4"] == 32 * 66 * 9 * 16
    assert costs["conv1->conv2"] == 16 * 16 * 9 * 64
    assert costs["pool2->head"] == 196 * 2 * 0 + 196 * 10


@pytest.mark.parametrize("penalise", ["gate", "entropy", "cost"])
def test_gradients_reach_the_gates(digits: Architecture, penalise: str) -> None:
    gates = gates_of(digits)
    PENALTIES[penalise](gates, relative_costs(digits)).sum().backward()
    assert gates.weight.grad is not None
    assert gates.weight.grad.count_nonzero() == 44
