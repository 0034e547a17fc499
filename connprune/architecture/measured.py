"""The rules that measure what they would leave: each network that they try is made, and a function says how it does."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from connprune.architecture.rules import (
    Budget,
    CountsWithout,
    Scores,
    Share,
    Unit,
    milliseconds,
    ranked,
    require_rule,
    taken,
)
from connprune.arguments import require
from connprune.errors import DisconnectedError

# Accuracies are quotients of whole numbers, so two that differ by less are the same.
ROUNDING = 1e-9

# Measures what is left: a `Cut` of an architecture, or of a wired module the module without gates, in evaluation mode.
Measure = Callable[[Any], float]


@dataclass(frozen=True)
class Latency:
    """A budget of time for a forward pass, for `Budget`.

    Attributes:
        most: seconds, above 0; or a share of what the parent takes.
        measure: gives the seconds that a forward pass of a network takes.
        batch: for how many images at once that is, which is told with the rule.
        device: where, likewise.

    Raises:
        ArgumentError: the time is neither.
    """

    most: float | Share
    measure: Measure
    batch: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        expected = "seconds above 0, or a Share of the parent's"
        require(
            "latency", self.most, (Real, Share), expected, lambda most: isinstance(most, Share) or 0 < most < math.inf
        )

    def started(self, counts: CountsWithout) -> "Clock":
        """What measures networks that are left of a parent."""
        clock = Clock(counts, self.measure)
        most = self.most
        clock.most = float(most.value) * clock.seconds(frozenset()) if isinstance(most, Share) else float(most)
        return clock

    def __str__(self) -> str:
        most = f"{self.most} of the parent's time" if isinstance(self.most, Share) else milliseconds(self.most)
        return f"at most {most} for a batch of {self.batch} on {self.device}"


@dataclass
class Clock:
    """Measures what is left of a parent, each network once.

    Attributes:
        counts: what is left.
        measure: gives the seconds of a network.
        most: how many are allowed.
    """

    counts: CountsWithout
    measure: Measure
    most: float = math.inf
    _known: dict[frozenset[Unit], float] = field(default_factory=dict)

    def seconds(self, removed: frozenset[Unit]) -> float:
        """How long a forward pass takes once these are removed."""
        if removed not in self._known:
            self._known[removed] = self.measure(self.counts.network(removed))
        return self._known[removed]


@dataclass(frozen=True)
class MaxDrop:
    """Cuts whatever can go without the accuracy falling by more than so many points; the smallest network is left.

    From the lowest score up, each unit goes whose removal leaves a path and the accuracy within the limit, so that none
    that is left could go alone. As many as possible are tried at once, and halves of these where that is too much: a
    network is measured for each unit at the most, and far fewer where the lowest scores can go together.

    Attributes:
        points: by how many percentage points, from 0 to 100, the accuracy may fall below that of the uncut parent.
        accuracy: gives the accuracy of a network, 0 to 1. What chooses a network by it has seen these images.
        budget: what must hold besides.

    Raises:
        ArgumentError: the points are no such number, or the budget is none.
    """

    points: float
    accuracy: Measure
    budget: Budget | None = None

    def __post_init__(self) -> None:
        require("max_drop", self.points, Real, "percentage points from 0 to 100", lambda points: 0 <= points <= 100)
        if self.budget is not None:
            require_rule(self.budget)

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        least = self.accuracy(counts.network(frozenset())) - self.points / 100 - ROUNDING

        def is_enough(removed: frozenset[Unit]) -> bool:
            return counts(removed) is not None and self.accuracy(counts.network(removed)) >= least

        removed = frozenset(taken(ranked(scores)[::-1], is_enough))
        if self.budget is not None:
            limits = self.budget.limits(counts)
            if not limits.hold(removed):
                wanted, found = limits.described(removed)
                raise DisconnectedError(
                    f"No cut by these scores brings {wanted} and loses at most {self.points:g} points of validation "
                    f"accuracy; nothing was written. The smallest that loses no more has {found}."
                )
        return removed

    def __str__(self) -> str:
        besides = f" and {self.budget}" if self.budget is not None else ""
        return f"at most {self.points:g} points less validation accuracy{besides}"
