"""Sets the learning rates of an optimizer, by the schedule of the recipe."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from connprune.training.optimizer import is_scheduled, set_rates
from connprune.training.recipe import Recipe
from connprune.training.schedules import Plateau, Schedule

# Keras, whose rule the post's recipe names, calls a loss better when it is lower by more than this.
_BETTER_BY = 1e-4


class Scheduler(Protocol):
    """Sets the learning rates before each step."""

    def before_step(self, epoch: int, step: int) -> None:
        """Sets the rates for the next step, once so many epochs, and steps of the next one, are done."""

    def after_epoch(self, validation_loss: float) -> None:
        """Sets the rates for the next epoch."""

    def halve(self) -> None:
        """Halves the rates, now and for the rest of the schedule."""

    def state_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""


def make_scheduler(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int = 1) -> Scheduler:
    """The scheduler of a recipe.

    Args:
        optimizer: whose rates it sets.
        recipe: has the schedule, and says how many epochs there are.
        steps: how many steps an epoch has.
    """
    rates = _Rates(optimizer, recipe.schedule, steps, recipe.epochs)
    if isinstance(recipe.schedule, Plateau):
        return _OnPlateau(optimizer, recipe.schedule, rates)
    return _ByProgress(rates)


class _Rates:
    """The rates of a schedule: what the groups begin with, times what the schedule and its warm-up say.

    Attributes:
        bases: what the groups begin with.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, schedule: Schedule, steps: int, epochs: int) -> None:
        self.optimizer, self.schedule, self.steps, self.epochs = optimizer, schedule, steps, epochs
        self.bases = [float(group["lr"]) for group in optimizer.param_groups]
        self._now: list[float] = []

    def begin_with(self, bases: Sequence[float]) -> None:
        """Takes others to begin with."""
        self.bases, self._now = list(bases), []

    def set_at(self, epoch: int, step: int, multiplier: float) -> None:
        """Sets them for a step; where they are as they were, nothing is done."""
        multiplier *= self.schedule.warmed_up(epoch * self.steps + step, self.steps, self.epochs)
        groups = zip(self.optimizer.param_groups, self.bases, strict=True)
        wanted = [base * multiplier if is_scheduled(group) else base for group, base in groups]
        if wanted != self._now:
            set_rates(self.optimizer, wanted)
            self._now = wanted


class _ByProgress:
    def __init__(self, rates: _Rates) -> None:
        self._rates = rates
        self._epoch = 0
        self.before_step(0, 0)

    def before_step(self, epoch: int, step: int) -> None:
        self._epoch = epoch
        done = epoch + step / self._rates.steps
        self._rates.set_at(epoch, step, self._rates.schedule.multiplier(done, self._rates.epochs))

    def after_epoch(self, validation_loss: float) -> None:
        self.before_step(self._epoch + 1, 0)

    def halve(self) -> None:
        self._rates.begin_with([base / 2 for base in self._rates.bases])
        self.before_step(self._epoch, 0)

    def state_dict(self) -> dict[str, Any]:
        return {"last_epoch": self._epoch, "bases": self._rates.bases}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rates.begin_with(state["bases"])
        self.before_step(state["last_epoch"], 0)


class _OnPlateau(ReduceLROnPlateau):
    """Lowers the rates that the warm-up then multiplies; they are the optimizer's while torch lowers them."""

    def __init__(self, optimizer: torch.optim.Optimizer, plateau: Plateau, rates: _Rates) -> None:
        # torch lowers the rates once more than `patience` epochs were no better, Keras once it is as many.
        super().__init__(
            optimizer,
            factor=plateau.factor,
            patience=plateau.patience - 1,
            threshold=_BETTER_BY,
            threshold_mode="abs",
            min_lr=plateau.floor,
            eps=0.0,
        )
        self._rates = rates
        self.before_step(0, 0)

    def before_step(self, epoch: int, step: int) -> None:
        self._rates.set_at(epoch, step, 1.0)

    def after_epoch(self, validation_loss: float) -> None:
        set_rates(self.optimizer, self._rates.bases)
        self.step(validation_loss)
        groups = zip(self.optimizer.param_groups, self._rates.bases, strict=True)
        self._rates.begin_with([float(group["lr"]) if is_scheduled(group) else base for group, base in groups])
        self.before_step(self.last_epoch, 0)

    def halve(self) -> None:
        self._rates.begin_with([base / 2 for base in self._rates.bases])
        self.before_step(self.last_epoch, 0)

    def state_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("best", "num_bad_epochs", "last_epoch")}
        return {**plain, "rates": self._rates.bases}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.num_bad_epochs = state["best"], state["num_bad_epochs"]
        self.last_epoch = state["last_epoch"]
        self._rates.begin_with(state["rates"])
        self.before_step(self.last_epoch, 0)
