"""Optimizer groups and schedules follow the recipe."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune import build
from connprune.architecture import Architecture
from connprune.training.optimizer import make_optimizer, make_scheduler
from connprune.training.recipe import Cosine, Optimizer, Plateau, Recipe


def sgd(rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def test_gates_and_biases_are_not_decayed(digits: Architecture) -> None:
    network = build(digits)
    weights, biases, gates = make_optimizer(network, Optimizer(kind="adamw", weight_decay=0.1)).param_groups
    assert (weights["weight_decay"], biases["weight_decay"], gates["weight_decay"]) == (0.1, 0.0, 0.0)
    assert network.gates is not None
    assert gates["params"] == [network.gates.weight]
    assert all(weight.dim() > 1 for weight in weights["params"])
    counted = sum(parameter.numel() for group in (weights, biases, gates) for parameter in group["params"])
    assert counted == sum(parameter.numel() for parameter in network.parameters())


def test_what_is_treated_alike_is_one_group(digits: Architecture) -> None:
    """A group is a launch on a GPU."""
    for gates, decay, count in (({}, 0.0, 1), ({}, 0.1, 2), ({"rate": 0.03}, 0.0, 2), ({"rate": 0.03}, 0.1, 3)):
        network = build(digits.replace(gates=gates))
        groups = make_optimizer(network, Optimizer(weight_decay=decay)).param_groups
        assert len(groups) == count
        assert network.gates is not None
        assert any(parameter is network.gates.weight for parameter in groups[-1]["params"])
        assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))


def test_gates_have_a_rate_of_their_own(digits: Architecture) -> None:
    *_, gates = make_optimizer(build(digits), Optimizer(rate=1e-4)).param_groups
    assert digits.gates is not None
    assert gates["lr"] == digits.gates.rate
    *_, same = make_optimizer(build(digits.replace(gates={})), Optimizer(rate=1e-4)).param_groups
    assert same["lr"] == 1e-4


@pytest.mark.parametrize("schedule", [Cosine(kind="cosine"), Plateau(kind="plateau", patience=1)])
def test_a_rate_of_the_gates_own_is_not_scheduled(digits: Architecture, schedule: Cosine | Plateau) -> None:
    """What the gates are pressed towards at the end, they must still be able to reach; without a rate they follow."""
    assert digits.gates
    for rate, kept in ((0.03, True), (None, False)):
        network = build(digits.replace(gates=digits.gates.model_copy(update={"rate": rate})))
        optimizer = make_optimizer(network, Optimizer(rate=0.01))
        scheduler = make_scheduler(optimizer, Recipe(epochs=8, schedule=schedule))
        before = optimizer.param_groups[-1]["lr"]
        optimizer.step()
        for _ in range(6):
            scheduler.after_epoch(1.0)
        assert optimizer.param_groups[0]["lr"] < 0.005
        assert (optimizer.param_groups[-1]["lr"] == before) is kept
        scheduler.halve()
        scheduler.after_epoch(1.0)
        again = make_scheduler(optimizer, Recipe(epochs=8, schedule=schedule))
        again.load_state_dict(scheduler.state_dict())
        assert not kept or optimizer.param_groups[-1]["lr"] == before / 2


def test_the_optimizer_is_fused(blog: Architecture) -> None:
    assert make_optimizer(build(blog), Optimizer()).defaults["fused"]


def keras_rates(losses: list[float], factor: float, patience: int, floor: float) -> list[float]:
    """The documented rule of Keras' ReduceLROnPlateau, by hand."""
    rate, best, waited, rates = 1.0, math.inf, 0, []
    for loss in losses:
        if loss < best - 1e-4:
            best, waited = loss, 0
        else:
            waited += 1
            if waited >= patience:
                rate, waited = max(rate * factor, floor), 0
        rates.append(rate)
    return rates


@given(
    st.lists(st.floats(0, 2), max_size=30),
    st.sampled_from([0.1, 0.5]),
    st.integers(1, 5),
    st.sampled_from([0.0, 1e-7, 0.2]),
)
def test_plateau_is_the_posts_rule(losses: list[float], factor: float, patience: int, floor: float) -> None:
    optimizer = sgd(1.0)
    plateau = Plateau(kind="plateau", factor=factor, patience=patience, floor=floor)
    scheduler = make_scheduler(optimizer, Recipe(schedule=plateau))
    rates = []
    for loss in losses:
        scheduler.after_epoch(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx(keras_rates(losses, factor, patience, floor))


def test_cosine_falls_from_the_start_to_zero() -> None:
    optimizer = sgd(0.4)
    scheduler = make_scheduler(optimizer, Recipe(epochs=8, schedule=Cosine(kind="cosine")))
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(8):
        optimizer.step()
        scheduler.after_epoch(0.0)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.2 * (1 + math.cos(math.pi * epoch / 8)) for epoch in range(9)])
