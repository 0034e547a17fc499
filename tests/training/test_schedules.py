"""Learning rates are torch's at every step, whatever the schedule and its warm-up."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, MultiStepLR, ReduceLROnPlateau

from connprune.architecture import Architecture
from connprune.network import build
from connprune.training.configuration import resolve
from connprune.training.optimizer import can_be_recorded, make_optimizer, rates, set_rates
from connprune.training.recipe import SGD, Adam, Recipe
from connprune.training.scheduler import Scheduler, make_scheduler
from connprune.training.schedules import Cosine, Fixed, Linear, Plateau, Schedule, StepDecay

RATE = 0.25


def optimizer_of(rate: float = RATE) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def rates_of(
    schedule: Schedule, epochs: int, steps: int, losses: list[float] | None = None, stop: int | None = None
) -> list[float]:
    """The learning rate of each step; `stop` is the step before which a new scheduler takes over."""
    recipe, optimizer = Recipe(epochs=epochs, schedule=schedule), optimizer_of()
    scheduler: Scheduler = make_scheduler(optimizer, recipe, steps)
    seen = []
    for epoch in range(epochs):
        for step in range(steps):
            if epoch * steps + step == stop:
                state, optimizer = scheduler.state_dict(), optimizer_of()
                scheduler = make_scheduler(optimizer, recipe, steps)
                scheduler.load_state_dict(state)
            scheduler.before_step(epoch, step)
            seen.append(optimizer.param_groups[0]["lr"])
        scheduler.after_epoch(losses[epoch] if losses else 1.0)
    return seen


def warmed_up(length: int, count: int) -> list[float]:
    """torch's linear warm-up from 1/length on."""
    if length < 2:
        return [1.0] * count
    optimizer = optimizer_of(1.0)
    return followed(optimizer, LinearLR(optimizer, start_factor=1 / length, total_iters=length - 1), count)


def followed(optimizer: torch.optim.Optimizer, scheduler: LRScheduler, count: int) -> list[float]:
    seen = []
    for _ in range(count):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def torch_s(schedule: Schedule, optimizer: torch.optim.Optimizer, length: int) -> LRScheduler:
    match schedule:
        case Cosine(end=end):
            return CosineAnnealingLR(optimizer, T_max=length, eta_min=RATE * end)
        case Linear(end=end):
            return LinearLR(optimizer, start_factor=1.0, end_factor=end, total_iters=length)
        case StepDecay(milestones=milestones, gamma=gamma):
            whole = [at if isinstance(at, int) else round(at * length) for at in milestones]
            return MultiStepLR(optimizer, milestones=sorted(whole), gamma=gamma)
    return MultiStepLR(optimizer, milestones=[])


ENDS = st.sampled_from([0.0, 0.1, 1.0])
EVERY = st.sampled_from(["epoch", "step"])
SCHEDULES: st.SearchStrategy[Schedule] = st.one_of(
    st.just(Fixed()),
    st.builds(Cosine, end=ENDS, every=EVERY),
    st.builds(Linear, end=ENDS, every=EVERY),
    st.builds(
        StepDecay,
        milestones=st.lists(st.one_of(st.integers(1, 9), st.sampled_from([0.3, 0.5, 0.75])), max_size=3).map(tuple),
        gamma=st.sampled_from([0.1, 0.5, 1.0]),
    ),
)


@given(SCHEDULES, st.sampled_from([0, 1, 2, 0.25, 20]), st.integers(1, 8), st.integers(1, 5))
def test_each_step_has_torch_s_rate(schedule: Schedule, warmup: float, epochs: int, steps: int) -> None:
    chosen = schedule.model_copy(update={"warmup": warmup})
    by_step = getattr(schedule, "every", "epoch") == "step"
    optimizer, length = optimizer_of(), epochs * (steps if by_step else 1)
    theirs = followed(optimizer, torch_s(schedule, optimizer, length), length)
    expected = theirs if by_step else [rate for rate in theirs for _ in range(steps)]
    growth = warmed_up(round((warmup * epochs if isinstance(warmup, float) else warmup) * steps), epochs * steps)
    wanted = [rate * factor for rate, factor in zip(expected, growth, strict=True)]
    assert rates_of(chosen, epochs, steps) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@given(
    st.lists(st.floats(0, 2), min_size=1, max_size=12),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.05]),
    st.sampled_from([0, 2]),
)
def test_a_plateau_falls_as_torch_s(losses: list[float], patience: int, floor: float, warmup: int) -> None:
    """torch lowers the rates once more than its patience has gone, we once it has."""
    epochs, steps = len(losses), 3
    optimizer = optimizer_of()
    theirs = ReduceLROnPlateau(
        optimizer, patience=patience - 1, threshold=1e-4, threshold_mode="abs", min_lr=floor, eps=0.0
    )
    expected = []
    for loss in losses:
        expected += [optimizer.param_groups[0]["lr"]] * steps
        theirs.step(loss)
    growth = warmed_up(warmup * steps, epochs * steps)
    schedule = Plateau(patience=patience, floor=floor, warmup=warmup)
    wanted = [rate * factor for rate, factor in zip(expected, growth, strict=True)]
    assert rates_of(schedule, epochs, steps, losses) == pytest.approx(wanted)


@given(st.one_of(SCHEDULES, st.just(Plateau(patience=1))), st.sampled_from([0, 2, 0.5]), st.integers(1, 11))
def test_a_new_scheduler_goes_on_with_the_same_rates(schedule: Schedule, warmup: float, stop: int) -> None:
    chosen = schedule.model_copy(update={"warmup": warmup})
    assert rates_of(chosen, 4, 3, stop=stop) == rates_of(chosen, 4, 3)


def test_a_state_of_before_there_were_warm_ups_is_taken() -> None:
    for schedule, state in (
        (Cosine(), {"last_epoch": 2, "bases": [0.125]}),
        (Plateau(), {"best": 0.5, "num_bad_epochs": 1, "last_epoch": 2, "rates": [0.125]}),
    ):
        optimizer = optimizer_of()
        scheduler = make_scheduler(optimizer, Recipe(epochs=8, schedule=schedule), 5)
        scheduler.load_state_dict(state)
        factor = 1.0 if isinstance(schedule, Plateau) else schedule.multiplier(2, 8)
        assert optimizer.param_groups[0]["lr"] == 0.125 * factor


def test_half_the_rates_stay_half_through_the_warm_up() -> None:
    optimizer = optimizer_of(1.0)
    scheduler = make_scheduler(optimizer, Recipe(epochs=8, schedule=Fixed(warmup=2)), 4)
    scheduler.halve()
    scheduler.before_step(0, 3)
    assert optimizer.param_groups[0]["lr"] == 0.25
    scheduler.before_step(3, 0)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_gates_with_a_rate_of_their_own_are_not_warmed_up(digits: Architecture) -> None:
    optimizer = make_optimizer(build(digits), Adam(rate=0.01))
    scheduler = make_scheduler(optimizer, Recipe(epochs=8, schedule=Fixed(warmup=2)), 10)
    scheduler.before_step(0, 0)
    assert digits.gates
    assert rates(optimizer) == [0.01 / 20, digits.gates.rate]


@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_steps_as_the_formula_says(digits: Architecture, nesterov: bool) -> None:
    """Momentum (Sutskever and others 2013) in torch's form, with the decay in the gradient, by hand on every step."""
    torch.manual_seed(0)
    network = build(digits.replace(gates={}))
    settings = SGD(rate=0.1, momentum=0.8, nesterov=nesterov, weight_decay=0.01)
    optimizer = make_optimizer(network, settings)
    assert not isinstance(optimizer, torch.optim.Adam)
    ours: dict[str, Any] = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    velocity: dict[str, Any] = {}
    for step in range(4):
        if step == 2:
            set_rates(optimizer, [0.05] * len(optimizer.param_groups))
        for name, weight in network.named_parameters():
            weight.grad = torch.full_like(weight, 0.1 * (step + 1)) + 0.1 * weight.detach()
            gradient = 0.1 * (step + 1) + 0.1 * ours[name] + (0.01 * ours[name] if weight.dim() > 1 else 0)
            velocity[name] = gradient if step == 0 else 0.8 * velocity[name] + gradient
            move = gradient + 0.8 * velocity[name] if nesterov else velocity[name]
            ours[name] = ours[name] - (0.1 if step < 2 else 0.05) * move
        optimizer.step()
    for name, weight in network.named_parameters():
        torch.testing.assert_close(weight.detach(), ours[name], msg=name)


def test_a_step_of_sgd_can_be_recorded(digits: Architecture) -> None:
    assert can_be_recorded(make_optimizer(build(digits), SGD()))
    assert not can_be_recorded(torch.optim.SGD(build(digits).parameters(), lr=0.1))


def test_sgd_takes_no_values_of_an_adam() -> None:
    assert resolve("digits", assignments=["training.optimizer.kind=sgd"]).training.optimizer == SGD()
    without = SGD(momentum=0.0).arguments()
    assert without == {"momentum": 0.0, "nesterov": False, "fused": True}
