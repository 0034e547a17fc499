"""The rule of a cut whose limits are measured: what is left of a run is made, evaluated and timed."""

from dataclasses import dataclass

from connprune.architecture.cutting import Cut
from connprune.architecture.measured import Latency, MaxDrop
from connprune.architecture.rules import Budget, Rule, Share, milliseconds
from connprune.training.device import device_name
from connprune.training.evaluation import evaluate
from connprune.training.latency import seconds_alone
from connprune.training.pruning import Examined, cut_network

# Latencies are those of one image, as a network meets them that answers one at a time.
BATCH = 1


@dataclass(frozen=True)
class Limited:
    """What a cut must keep to; at least one of these.

    Attributes:
        parameters: how many are allowed, a number or a share of the parent's; None is any number.
        macs: how many multiply-accumulates per image, likewise.
        seconds: how long a forward pass of `BATCH` images may take, or a share of the parent's; None is any time.
        points: by how many percentage points the accuracy on validation images may fall; None is any.
    """

    parameters: int | Share | None = None
    macs: int | Share | None = None
    seconds: float | Share | None = None
    points: float | None = None

    def rule(self, examined: Examined) -> Rule:
        """The rule for a run, which measures on its device and on its validation images."""

        def accuracy(cut: Cut) -> float:
            return evaluate(cut_network(examined, cut), examined.splits.validation, examined.precision).accuracy

        def seconds(cut: Cut) -> float:
            return seconds_alone(cut.architecture, BATCH, examined.device)

        latency = None if self.seconds is None else Latency(self.seconds, seconds, BATCH, device_name(examined.device))
        budget = Budget(self.parameters, self.macs, latency)
        if self.points is None:
            return budget
        return MaxDrop(self.points, accuracy, None if budget == Budget() else budget)

    def __str__(self) -> str:
        texts = [str(Budget(self.parameters, self.macs))]
        if self.seconds is not None:
            seconds = self.seconds
            texts.append(
                f"at most {seconds} of the time" if isinstance(seconds, Share) else f"at most {milliseconds(seconds)}"
            )
        if self.points is not None:
            texts.append(f"at most {self.points:g} points less validation accuracy")
        return " and ".join(filter(None, texts))
