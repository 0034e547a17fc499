"""Optimizer groups and schedules follow the recipe."""

import inspect
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune import build
from connprune.architecture import Architecture
from connprune.errors import UsageError
from connprune.plugins import load_plugin
from connprune.training.configuration import resolve
from connprune.training.optimizer import can_be_recorded, make_optimizer
from connprune.training.recipe import OPTIMIZERS, Adam, AdamW, Recipe
from connprune.training.scheduler import make_scheduler
from connprune.training.schedules import Cosine, Plateau


def sgd(rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def test_gates_and_biases_are_not_decayed(digits: Architecture) -> None:
    network = build(digits)
    weights, biases, gates = make_optimizer(network, AdamW(weight_decay=0.1)).param_groups
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
        groups = make_optimizer(network, Adam(weight_decay=decay)).param_groups
        assert len(groups) == count
        assert network.gates is not None
        assert any(parameter is network.gates.weight for parameter in groups[-1]["params"])
        assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))


def test_gates_have_a_rate_of_their_own(digits: Architecture) -> None:
    *_, gates = make_optimizer(build(digits), Adam(rate=1e-4)).param_groups
    assert digits.gates is not None
    assert gates["lr"] == digits.gates.rate
    *_, same = make_optimizer(build(digits.replace(gates={})), Adam(rate=1e-4)).param_groups
    assert same["lr"] == 1e-4


@pytest.mark.parametrize("schedule", [Cosine(kind="cosine"), Plateau(kind="plateau", patience=1)])
def test_a_rate_of_the_gates_own_is_not_scheduled(digits: Architecture, schedule: Cosine | Plateau) -> None:
    """What the gates are pressed towards at the end, they must still be able to reach; without a rate they follow."""
    assert digits.gates
    for rate, kept in ((0.03, True), (None, False)):
        network = build(digits.replace(gates=digits.gates.model_copy(update={"rate": rate})))
        optimizer = make_optimizer(network, Adam(rate=0.01))
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
    assert make_optimizer(build(blog), Adam()).defaults["fused"]


# Of these one evaluates the loss itself, one is for sparse gradients, and one for matrices alone.
UNSUITABLE = {"lbfgs", "sparseadam", "muon"}


def of_torch() -> dict[str, type[torch.optim.Optimizer]]:
    kinds = (getattr(torch.optim, name) for name in torch.optim.__all__)
    return {
        kind.__name__.lower(): kind
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
    }


def test_every_optimizer_of_torch_is_here() -> None:
    load_plugin("tests.training.optimizers")
    assert set(of_torch()) - UNSUITABLE == {*OPTIMIZERS} - {"remembering", "secretive"}


@pytest.mark.parametrize("kind", sorted(set(of_torch()) - UNSUITABLE))
def test_the_keys_of_an_optimizer_are_torch_s_arguments_with_torch_s_defaults(kind: str, digits: Architecture) -> None:
    settings = OPTIMIZERS[kind].model_validate({"kind": kind})
    arguments = inspect.signature(of_torch()[kind]).parameters
    ours = settings.model_dump(exclude={"kind", "rate"})
    # The defaults of these are older than the rule.
    own = {"momentum", "nesterov"} if kind == "sgd" else {"weight_decay"} if kind == "adamw" else set()
    for name in set(ours) - own:
        assert ours[name] == arguments[name].default, name
    assert kind in ("sgd",) or settings.rate == arguments["lr"].default
    optimizer = make_optimizer(build(digits), settings)
    assert type(optimizer).__mro__[1] is of_torch()[kind]
    for name in set(ours) - {"weight_decay"}:
        assert all(group[name] == ours[name] for group in optimizer.param_groups), name


@pytest.mark.parametrize("kind", sorted(UNSUITABLE))
def test_what_is_no_optimizer_of_a_step_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match=f"found the kind '{kind}', expected one of adam, adamw, sgd, rmsprop"):
        resolve("digits", assignments=[f"training.optimizer.kind={kind}"])


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


def test_an_optimizer_of_ones_own_gets_its_keys_and_decays_no_gate(digits: Architecture) -> None:
    load_plugin("tests.training.optimizers")
    chosen = resolve("digits", assignments=["training.optimizer={kind: remembering, rate: 0.2, momentum: 0.25}"])
    optimizer = make_optimizer(build(digits), chosen.training.optimizer)
    assert type(optimizer).__name__ == "Counting"
    assert {group["momentum"] for group in optimizer.param_groups} == {0.25}
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0}
    assert optimizer.param_groups[0]["lr"] == 0.2
    assert not can_be_recorded(optimizer)
    assert can_be_recorded(make_optimizer(build(digits), Adam()))


def test_a_kind_with_other_keys_takes_none_of_the_preset_s() -> None:
    load_plugin("tests.training.optimizers")
    assert resolve("digits").training.optimizer == AdamW(rate=0.003, weight_decay=0.1)
    assert resolve("digits", assignments=["training.optimizer.kind=adam"]).training.optimizer == Adam(
        rate=0.003, weight_decay=0.1
    )
    other = resolve("digits", assignments=["training.optimizer.kind=remembering"]).training.optimizer
    assert other.model_dump() == {"kind": "remembering", "rate": 0.001, "momentum": 0.5}


@pytest.mark.parametrize(
    ("implementation", "told"),
    [
        ("nowhere:Class", "names the module 'nowhere:Class', but: No module named 'nowhere'"),
        ("torch.optim:Nothing", "has no attribute 'Nothing'"),
        ("torch.optim:LBFGS", r"evaluates the loss itself \(its step needs a closure\)"),
        ("tests.training.optimizers:nothing", "makes no torch.optim.Optimizer"),
    ],
)
def test_a_class_that_is_no_optimizer_is_refused(digits: Architecture, implementation: str, told: str) -> None:
    class Wrong(Adam):
        def arguments(self) -> dict[str, object]:
            return {}

    Wrong.implementation = implementation
    with pytest.raises(UsageError, match=told):
        make_optimizer(build(digits), Wrong(weight_decay=0.1))
