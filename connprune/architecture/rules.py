"""The rules of a cut: each chooses, by their scores, which connections or feature maps go."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from connprune.architecture.architecture import Connection
from connprune.architecture.base import INPUT
from connprune.architecture.gates import CostBudget
from connprune.architecture.shares import at_most
from connprune.arguments import require
from connprune.errors import ArgumentError, DisconnectedError, UsageError
from connprune.mistakes import Mistake

if TYPE_CHECKING:
    from connprune.architecture.measured import Clock, Latency

K = TypeVar("K", bound=Hashable)


class FeatureMap(NamedTuple):
    """One feature map of a connection: its number among those that the connection carries."""

    source: str
    target: str
    number: int

    def __str__(self) -> str:
        return f"{self.source}[{self.number}]->{self.target}"


Unit = Connection | FeatureMap
Scores = Mapping[Unit, float]


class Counts(NamedTuple):
    """What a network costs."""

    parameters: int
    macs: int


_SHOWN = {"parameters": "parameters", "macs": "MACs"}


class CountsWithout(Protocol):
    """What is left once units are removed."""

    def __call__(self, removed: frozenset[Unit], /) -> Counts | None:
        """What it costs; None if no path from the input to the head is left."""

    def network(self, removed: frozenset[Unit], /) -> Any:
        """What is left itself, for what only measuring tells; a path must be left.

        Of an architecture it is a `Cut`, of a wired module the module that `connprune.shrink` would give.
        """


@runtime_checkable
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
    """Cuts everything whose score is strictly below `value`.

    Raises:
        ArgumentError: the value is no finite number from 0 upwards.
    """

    value: float

    def __post_init__(self) -> None:
        require("threshold", self.value, Real, "a number from 0 upwards", lambda value: 0 <= float(value) < math.inf)

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        return frozenset(unit for unit, score in scores.items() if score < self.value)

    def __str__(self) -> str:
        return f"threshold {float(self.value):g}"


@dataclass(frozen=True)
class Keep:
    """Keeps the `count` highest scores; of equal scores the later one in the architecture goes first.

    Raises:
        ArgumentError: the count is no whole number from 0 upwards; in a cut, there are not so many scores.
    """

    count: int

    def __post_init__(self) -> None:
        require("keep", self.count, Integral, "a whole number from 0 upwards", lambda count: count >= 0)

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        if self.count > len(scores):
            expected = f"0 to {len(scores)}, the number of gates that can be cut"
            raise ArgumentError(Mistake(key="keep", found=str(self.count), expected=expected))
        return frozenset(ranked(scores)[self.count :])

    def __str__(self) -> str:
        return f"keep {self.count}"


@dataclass(frozen=True)
class Sparsity:
    """Cuts the share `value` that has the lowest scores, rounded to a whole number.

    Raises:
        ArgumentError: the value is no number from 0 to 1.
    """

    value: float

    def __post_init__(self) -> None:
        require("sparsity", self.value, Real, "a share from 0 to 1", lambda value: 0 <= value <= 1)

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        return Keep(len(scores) - round(self.value * len(scores))).chosen(scores, counts)

    def __str__(self) -> str:
        return f"sparsity {float(self.value):g}"


@dataclass(frozen=True)
class KeepPerLayer:
    """Keeps, for each layer and the head, the `count` highest scores among what it reads.

    Raises:
        ArgumentError: the count is no whole number from 1 upwards.
    """

    count: int

    def __post_init__(self) -> None:
        require("keep_per_layer", self.count, Integral, "a whole number from 1 upwards", lambda count: count >= 1)

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        targets: dict[str, dict[Unit, float]] = {}
        for unit, score in scores.items():
            targets.setdefault(unit.target, {})[unit] = score
        return frozenset(unit for read in targets.values() for unit in ranked(read)[self.count :])

    def __str__(self) -> str:
        return f"keep {self.count} per layer"


@dataclass(frozen=True)
class Share:
    """A budget as a share of what the parent has, from 0 to 1; `Share(0.5)` is half of it.

    Raises:
        UsageError: the value is outside of this range.
    """

    value: float | Fraction

    def __post_init__(self) -> None:
        require("share", self.value, Real, "a number from 0 to 1")
        if not 0 <= self.value <= 1:
            raise UsageError(f"A budget of {self}: expected 0% to 100% of the parent.")

    def of(self, count: int) -> int:
        """The largest whole number within the share, which is taken as it is written: 0.29 of 100 is 29."""
        return at_most(self.value, count)

    def __str__(self) -> str:
        return f"{float(100 * self.value):g}%"


def amount(value: int | str) -> int | Share:
    """A budget as it is written: a number, or with % behind it a share of the parent.

    Raises:
        ValueError: it is neither.
        UsageError: the share is none.
    """
    text = str(value)
    return Share(Fraction(text[:-1]) / 100) if text.endswith("%") else int(text)


@dataclass(frozen=True)
class Budget:
    """Cuts the lowest scores until every budget holds, and then puts back what still fits.

    From the lowest score up, each unit goes whose removal leaves a path, until all budgets hold. Then, from the highest
    that went down, each comes back with which they still hold. So no budget is exceeded, and no unit that was cut could
    be put back alone.

    Attributes:
        parameters: how many are allowed, a number or a share of the parent's; None is any number.
        macs: how many multiply-accumulates per image are allowed, likewise.
        latency: how long a forward pass may take; None is any time. What is left is measured where the counts hold.

    Raises:
        ArgumentError: one of them is none of these.
    """

    parameters: int | Share | None = None
    macs: int | Share | None = None
    latency: "Latency | None" = None

    def __post_init__(self) -> None:
        expected = "a whole number from 0 upwards, or a Share of the parent's"
        for name, limit in (("parameters", self.parameters), ("macs", self.macs)):
            if limit is not None:
                require(name, limit, (Integral, Share), expected, lambda limit: isinstance(limit, Share) or limit >= 0)

    @classmethod
    def of(cls, wanted: CostBudget) -> "Budget":
        """The budget that a search was given."""
        parameters, macs = (None if each is None else amount(each) for each in (wanted.parameters, wanted.macs))
        return cls(parameters, macs)

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        limits = self.limits(counts)
        if limits.hold(frozenset()):
            return frozenset()
        removable = taken(ranked(scores)[::-1], lambda removed: counts(removed) is not None)
        count = _first(len(removable), lambda count: limits.hold(frozenset(removable[:count])))
        removed = frozenset(removable[:count])
        if count > len(removable):
            wanted, found = limits.described(removed)
            raise DisconnectedError(
                f"No cut by these scores brings {wanted} and keeps a path from the input to the head; nothing was "
                f"written. The smallest that keeps one has {found}."
            )
        return removed.difference(taken(removable[:count][::-1], lambda back: limits.hold(removed - back)))

    def limits(self, counts: CountsWithout) -> "Limits":
        """What is allowed of a parent, which is measured where that is a share of its latency."""
        whole = counts(frozenset())
        clock = self.latency.started(counts) if self.latency and whole else None
        return Limits(counts, self.resolved(whole) if whole else {}, clock)

    def resolved(self, whole: Counts) -> dict[str, int]:
        """What is allowed of each count that has a budget, for a parent with these counts."""
        return {
            name: limit.of(getattr(whole, name)) if isinstance(limit, Share) else limit
            for name, limit in (("parameters", self.parameters), ("macs", self.macs))
            if limit is not None
        }

    def __str__(self) -> str:
        limits = (("parameters", self.parameters), ("macs", self.macs))
        texts = [
            f"at most {limit} of the {_SHOWN[name]}"
            if isinstance(limit, Share)
            else f"at most {limit:,} {_SHOWN[name]}"
            for name, limit in limits
            if limit is not None
        ]
        return " and ".join([*texts, *([str(self.latency)] if self.latency else [])])


@dataclass(frozen=True)
class Limits:
    """What a budget allows of one parent.

    Attributes:
        counts: what is left of the parent.
        most: how many are allowed of each count that has a budget.
        clock: of the latency; None without a budget for it.
    """

    counts: CountsWithout
    most: Mapping[str, int]
    clock: "Clock | None"

    def hold(self, removed: frozenset[Unit]) -> bool:
        """Whether what is left is connected and within all of them; it is measured only where the counts are."""
        left = self.counts(removed)
        if left is None or any(getattr(left, name) > limit for name, limit in self.most.items()):
            return False
        return self.clock is None or self.clock.seconds(removed) <= self.clock.most

    def described(self, removed: frozenset[Unit]) -> tuple[str, str]:
        """In words what is wanted, and what is left."""
        left = self.counts(removed)
        wanted = [f"the {_SHOWN[name]} down to {limit:,}" for name, limit in self.most.items()]
        found = [f"{getattr(left, name, 0):,} {_SHOWN[name]}" for name in self.most]
        if self.clock is not None:
            wanted.append(f"a forward pass down to {milliseconds(self.clock.most)}")
            found.append(f"a forward pass of {milliseconds(self.clock.seconds(removed))}")
        return " and ".join(wanted), " and ".join(found)


@dataclass(frozen=True)
class WholeLayers:
    """Applies a rule to layers instead: a layer scores as its highest outgoing unit, and goes with all of them.

    Raises:
        ArgumentError: what is to be applied is no rule.
    """

    rule: Rule

    def __post_init__(self) -> None:
        require_rule(self.rule)

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        outgoing: dict[str, dict[Unit, float]] = {}
        for unit, score in scores.items():
            if unit.source != INPUT:
                outgoing.setdefault(unit.source, {})[unit] = score
        layers: dict[Unit, float] = {Connection(name, "*"): max(units.values()) for name, units in outgoing.items()}

        def units_of(chosen: frozenset[Unit]) -> frozenset[Unit]:
            return frozenset(unit for layer in chosen for unit in outgoing[layer.source])

        return units_of(self.rule.chosen(layers, _Translated(counts, units_of)))

    def __str__(self) -> str:
        return f"{self.rule}, whole layers"


@dataclass(frozen=True)
class _Translated:
    """What is left once units are removed that stand for others."""

    counts: CountsWithout
    units_of: Callable[[frozenset[Unit]], frozenset[Unit]]

    def __call__(self, removed: frozenset[Unit], /) -> Counts | None:
        return self.counts(self.units_of(removed))

    def network(self, removed: frozenset[Unit], /) -> Any:
        return self.counts.network(self.units_of(removed))


def require_rule(rule: object) -> None:
    """Refuses what is no rule.

    Raises:
        ArgumentError: so it is.
    """
    require("rule", rule, Rule, "a rule, like Threshold(0.01) or Keep(20)", lambda rule: not isinstance(rule, type))


def ranked(scores: Mapping[K, float]) -> list[K]:
    """What has scores, from the highest down; of equal ones the first comes first."""
    return sorted(scores, key=lambda unit: -scores[unit])


def taken(units: Sequence[Unit], allowed: Callable[[frozenset[Unit]], bool]) -> list[Unit]:
    """The units that can be taken, one after the other: what would be too much is left out.

    Args:
        units: in the order in which they are taken.
        allowed: whether so many may be taken; of what is allowed, any part is.
    """
    chosen: list[Unit] = []
    start = 0
    while start < len(units):
        ahead, before = units[start:], frozenset(chosen)
        count = _first(len(ahead), partial(_is_too_much, allowed, before, ahead))
        chosen += ahead[: count - 1]
        start += count
    return chosen


def _is_too_much(
    allowed: Callable[[frozenset[Unit]], bool], taken: frozenset[Unit], ahead: Sequence[Unit], count: int
) -> bool:
    return not allowed(taken.union(ahead[:count]))


def milliseconds(seconds: float) -> str:
    """Seconds as a text."""
    number = seconds * 1000
    return f"{number:,.0f} ms" if number >= 100 else f"{number:.3g} ms"


def _first(most: int, holds: Callable[[int], bool]) -> int:
    """The smallest number from 1 to `most` for which a condition holds that holds for all larger ones too.

    It is `most + 1` if there is none. Numbers near 1 are tried first, since it is often one of them.
    """
    low, step = 1, 1
    while step <= most and not holds(step):
        low, step = step + 1, 2 * step
    high = min(step, most + 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
