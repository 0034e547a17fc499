"""Learning-rate schedules, as data. Nothing here imports torch."""

import math
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, SerializeAsAny

from connprune.architecture.base import Count, Frozen, NonNegative
from connprune.architecture.gates import Duration, epochs_of
from connprune.architecture.kinds import kind_of, of_kind
from connprune.registry import Registry

# A share of the rates that a training starts with.
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Often = Literal["epoch", "step"]


class Schedule(Frozen):
    """How the learning rates change over a training.

    One of your own derives from this class, and has a `multiplier`.

    Attributes:
        kind: its name in the registry.
        warmup: how long the rates grow linearly, step by step, until they are what the schedule says: a share of the
            training, like 0.05, or a whole number of epochs; 0 is not at all.
    """

    kind: str
    warmup: Duration = 0

    def multiplier(self, done: float, epochs: int) -> float:
        """What the rates are multiplied by.

        Args:
            done: how many epochs are done, fractions included: it is asked before each step.
            epochs: how many the training has.
        """
        raise NotImplementedError(type(self).__name__)

    def warmed_up(self, step: int, steps: int, epochs: int) -> float:
        """What the warm-up multiplies the rates by, above 0 and at most 1.

        Args:
            step: how many steps are done, of all epochs.
            steps: how many an epoch has.
            epochs: how many the training has.
        """
        length = round(epochs_of(self.warmup, epochs) * steps)
        return min(1.0, (step + 1) / length) if length else 1.0


class Plateau(Schedule):
    """The rates fall when the validation loss does not.

    Attributes:
        factor: what the rates are multiplied by.
        patience: after so many epochs without a lower validation loss.
        floor: no rate falls below it.
    """

    kind: Literal["plateau"] = "plateau"
    factor: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.1
    patience: Count = 5
    floor: NonNegative = 1e-7


class _Falling(Schedule):
    """One that falls from the first step to the last.

    Attributes:
        end: what the rates fall to, as a share of what they begin with.
        every: how often they change: after each `epoch`, or each `step`.
    """

    end: Share = 0.0
    every: Often = "epoch"

    def _progress(self, done: float, epochs: int) -> float:
        return (done if self.every == "step" else math.floor(done)) / epochs


class Cosine(_Falling):
    """The rates fall along half a cosine over all epochs (Loshchilov, Hutter 2017)."""

    kind: Literal["cosine"] = "cosine"

    def multiplier(self, done: float, epochs: int) -> float:
        return self.end + (1 - self.end) * 0.5 * (1 + math.cos(math.pi * self._progress(done, epochs)))


class Linear(_Falling):
    """The rates fall by as much each time, over all epochs."""

    kind: Literal["linear"] = "linear"

    def multiplier(self, done: float, epochs: int) -> float:
        return 1 + (self.end - 1) * self._progress(done, epochs)


class StepDecay(Schedule):
    """The rates fall by the same factor at each milestone.

    Attributes:
        milestones: when: after shares of the training, like 0.5, or after whole numbers of epochs.
        gamma: what the rates are multiplied by.
    """

    kind: Literal["step"] = "step"
    milestones: tuple[Duration, ...] = (0.5, 0.75)
    gamma: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.1

    def multiplier(self, done: float, epochs: int) -> float:
        passed = sum(math.floor(done) >= round(epochs_of(milestone, epochs)) for milestone in self.milestones)
        return float(self.gamma**passed)


class Fixed(Schedule):
    """The rates stay as they are."""

    kind: Literal["constant"] = "constant"

    def multiplier(self, done: float, epochs: int) -> float:
        return 1.0


SCHEDULES: Registry[type[Schedule]] = Registry("learning-rate schedule", "connprune.schedules", kind_of, Schedule)
for _schedule in (Plateau, Cosine, Linear, StepDecay, Fixed):
    SCHEDULES.register(_schedule)
# The kind of a section without one.
SCHEDULE = "constant"
AnySchedule = Annotated[SerializeAsAny[Schedule], PlainValidator(of_kind(SCHEDULES, Schedule, SCHEDULE))]
