"""The rules of a cut: each chooses, by their scores, which connections or feature maps go."""

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from connprune.architecture.architecture import Connection
from connprune.architecture.base import INPUT
from connprune.errors import DisconnectedError, UsageError

K = TypeVar("K", bound=Hashable)


class FeatureMap(NamedTuple):
    """One feature map of a connection: its place among those that the connection carries."""

    source: str
    target: str
    place: int

    def __str__(self) -> str:
        return f"{self.source}[{self.place}]->{self.target}"


Unit = Connection | FeatureMap
Scores = Mapping[Unit, float]


class Counts(NamedTuple):
    """What a network costs."""

    parameters: int
    macs: int


_SHOWN = {"parameters": "parameters", "macs": "MACs"}


# The counts that are left once units are removed; None if no path from the input to the head is.
CountsWithout = Callable[[frozenset[Unit]], Counts | None]


class Rule(Protocol):
    """Chooses the units to cut."""

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        """The units to cut.

        Args:
            scores: each unit that can be cut, a connection or a feature map of one, with its score.
            counts: what would be left.

        Raises:
            UsageError: the rule asks for something that there is not.
            DisconnectedError: a budget cannot be met by any network that is connected.
        """


@dataclass(frozen=True)
class Threshold:
    """Cuts everything whose score is strictly below `value`."""

    value: float

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        if not 0 <= self.value < math.inf:
            raise UsageError(f"--threshold {self.value:g}: expected a number from 0 upwards.")
        return frozenset(unit for unit, score in scores.items() if score < self.value)

    def __str__(self) -> str:
        return f"threshold {self.value:g}"


@dataclass(frozen=True)
class Keep:
    """Keeps the `count` highest scores; of equal scores the later one in the architecture goes first."""

    count: int

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        if not 0 <= self.count <= len(scores):
            raise UsageError(f"--keep {self.count}: expected 0 to {len(scores)}, the number of gates that can be cut.")
        return frozenset(_ranked(scores)[self.count :])

    def __str__(self) -> str:
        return f"keep {self.count}"


@dataclass(frozen=True)
class Sparsity:
    """Cuts the share `value` that has the lowest scores, rounded to a whole number."""

    value: float

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        if not 0 <= self.value <= 1:
            raise UsageError(f"--sparsity {self.value:g}: expected a share from 0 to 1.")
        return Keep(len(scores) - round(self.value * len(scores))).chosen(scores, counts)

    def __str__(self) -> str:
        return f"sparsity {self.value:g}"


@dataclass(frozen=True)
class KeepPerLayer:
    """Keeps, for each layer and the head, the `count` highest scores among what it reads."""

    count: int

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        if self.count < 1:
            raise UsageError(f"--keep-per-layer {self.count}: expected at least 1.")
        targets: dict[str, dict[Unit, float]] = {}
        for unit, score in scores.items():
            targets.setdefault(unit.target, {})[unit] = score
        return frozenset(unit for read in targets.values() for unit in _ranked(read)[self.count :])

    def __str__(self) -> str:
        return f"keep {self.count} per layer"


@dataclass(frozen=True)
class Budget:
    """Cuts the lowest scores, as few as bring one of the counts down to `most`.

    Attributes:
        count: `parameters` or `macs`.
        most: what is allowed.
    """

    count: str
    most: int

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        lowest_first = _ranked(scores)[::-1]

        def cost(removed: int) -> float:
            left = counts(frozenset(lowest_first[:removed]))
            return -math.inf if left is None else getattr(left, self.count)

        fits = _first(len(lowest_first) + 1, lambda removed: cost(removed) <= self.most)
        if fits is None or cost(fits) == -math.inf:
            gone = len(lowest_first) if fits is None else fits - 1
            raise DisconnectedError(
                f"No cut by these scores brings the {_SHOWN[self.count]} down to {self.most:,} and keeps a path from "
                f"the input to the head; nothing was written. The smallest that keeps one has {cost(gone):,.0f}."
            )
        return frozenset(lowest_first[:fits])

    def __str__(self) -> str:
        return f"at most {self.most:,} {_SHOWN[self.count]}"


@dataclass(frozen=True)
class WholeLayers:
    """Applies a rule to layers instead: a layer scores as its highest outgoing unit, and goes with all of them."""

    rule: Rule

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        outgoing: dict[str, dict[Unit, float]] = {}
        for unit, score in scores.items():
            if unit.source != INPUT:
                outgoing.setdefault(unit.source, {})[unit] = score
        layers: dict[Unit, float] = {Connection(name, "*"): max(units.values()) for name, units in outgoing.items()}

        def units_of(chosen: frozenset[Unit]) -> frozenset[Unit]:
            return frozenset(unit for layer in chosen for unit in outgoing[layer.source])

        return units_of(self.rule.chosen(layers, lambda chosen: counts(units_of(chosen))))

    def __str__(self) -> str:
        return f"{self.rule}, whole layers"


def _ranked(scores: Mapping[K, float]) -> list[K]:
    return sorted(scores, key=lambda unit: -scores[unit])


def _first(end: int, holds: Callable[[int], bool]) -> int | None:
    """The smallest number below `end` for which a condition holds that holds for all larger ones too."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low if low < end else None
