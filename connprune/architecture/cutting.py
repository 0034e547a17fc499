"""The cut: an architecture, the gates it ended with and a rule give a smaller architecture and a report."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context
from typing import Protocol

from connprune.architecture import wirings
from connprune.architecture.architecture import Architecture, Connection, MergeOverride
from connprune.architecture.base import HEAD, Shape
from connprune.architecture.shapes import mac_count, parameter_count, smallest
from connprune.errors import DisconnectedError, UsageError

Scores = Mapping[Connection, float]
GateValues = Mapping[Connection, float] | Mapping[str, float]


class Rule(Protocol):
    """Chooses the connections to cut."""

    def chosen(self, scores: Scores) -> frozenset[Connection]:
        """The connections to cut, given each gated connection's score.

        Raises:
            UsageError: the rule asks for more connections than there are.
        """


@dataclass(frozen=True)
class Threshold:
    """Cuts every connection whose score is strictly below `value`."""

    value: float

    def chosen(self, scores: Scores) -> frozenset[Connection]:
        if not 0 <= self.value < math.inf:
            raise UsageError(f"--threshold {self.value:g}: expected a number from 0 upwards.")
        return frozenset(connection for connection, score in scores.items() if score < self.value)

    def __str__(self) -> str:
        return f"threshold {self.value:g}"


@dataclass(frozen=True)
class Keep:
    """Keeps the `count` connections with the highest scores; of equal scores the later connection goes first."""

    count: int

    def chosen(self, scores: Scores) -> frozenset[Connection]:
        if not 0 <= self.count <= len(scores):
            raise UsageError(f"--keep {self.count}: expected 0 to {len(scores)}, the number of gated connections.")
        ranked = sorted(scores, key=lambda connection: -scores[connection])
        return frozenset(ranked[self.count :])

    def __str__(self) -> str:
        return f"keep {self.count}"


@dataclass(frozen=True)
class Sparsity:
    """Cuts the share `value` of the gated connections that has the lowest scores, rounded to a whole number."""

    value: float

    def chosen(self, scores: Scores) -> frozenset[Connection]:
        if not 0 <= self.value <= 1:
            raise UsageError(f"--sparsity {self.value:g}: expected a share from 0 to 1.")
        return Keep(len(scores) - round(self.value * len(scores))).chosen(scores)

    def __str__(self) -> str:
        return f"sparsity {self.value:g}"


@dataclass(frozen=True)
class CutReport:
    """What a cut took away.

    Attributes:
        rule: the rule, in words.
        chosen: the connections that the rule chose.
        followed: further connections that went because nothing reached them or nothing read them any more.
        removed_layers: layers that went.
        connections, layers, parameters, macs: before and after; gates are counted as parameters.
    """

    rule: str
    chosen: tuple[Connection, ...]
    followed: tuple[Connection, ...]
    removed_layers: tuple[str, ...]
    connections: tuple[int, int]
    layers: tuple[int, int]
    parameters: tuple[int, int]
    macs: tuple[int, int]


@dataclass(frozen=True)
class Cut:
    """The smaller architecture, still with its gates, and the report."""

    architecture: Architecture
    report: CutReport


def cut(architecture: Architecture, gates: GateValues, rule: Rule) -> Cut:
    """Removes the connections that the rule chooses, and all that no longer lies between the input and the head.

    The cut network computes what its parent computes with the gates of all removed connections at zero (and no
    biases in removed layers): a merge keeps its height and width, even where its smallest input has gone.

    Args:
        architecture: the parent.
        gates: the gate of every gated connection, by `Connection` or by its text `source->target`; its magnitude is the
            score that the rule sees.
        rule: which connections to cut.

    Raises:
        UsageError: the architecture has no gates, a connection lacks a score, or the rule asks for too much.
        DisconnectedError: no path from the input to the head would be left.
    """
    scores = _scores(architecture, gates)
    chosen = rule.chosen(scores)
    live = wirings.alive(_without(architecture, chosen))
    if live is None:
        raise DisconnectedError(_no_path(architecture, scores, rule))
    smaller = _rebuilt(architecture, live)
    removed = [
        connection
        for connection in architecture.all_connections
        if connection.source not in live.get(connection.target, ())
    ]
    report = CutReport(
        rule=str(rule),
        chosen=tuple(connection for connection in removed if connection in chosen),
        followed=tuple(connection for connection in removed if connection not in chosen),
        removed_layers=tuple(layer.name for layer in architecture.layers if layer.name not in live),
        connections=(len(architecture.all_connections), len(smaller.all_connections)),
        layers=(len(architecture.layers), len(smaller.layers)),
        parameters=(parameter_count(architecture), parameter_count(smaller)),
        macs=(mac_count(architecture), mac_count(smaller)),
    )
    return Cut(smaller, report)


def largest_safe_threshold(architecture: Architecture, gates: GateValues) -> float:
    """The largest threshold that still leaves a path from the input to the head.

    It is the widest bottleneck over all paths, where a path is as open as its least open gate; infinity when a path
    without gates leads from the input to the head.
    """
    scores = _scores(architecture, gates)
    openness = {"input": float("inf")}
    for target, sources in architecture.connections.items():
        openness[target] = max(
            min(openness[source], scores.get(Connection(source, target), float("inf"))) for source in sources
        )
    return openness[HEAD]


def _scores(architecture: Architecture, gates: GateValues) -> dict[Connection, float]:
    if not architecture.gated_connections:
        raise UsageError("This architecture has no gates, so there is nothing to cut by.")
    by_text = {str(connection): score for connection, score in gates.items()}
    missing = [str(connection) for connection in architecture.gated_connections if str(connection) not in by_text]
    if missing:
        raise UsageError(f"The gates lack {len(missing)} of the connections, the first is {missing[0]}.")
    return {connection: abs(float(by_text[str(connection)])) for connection in architecture.gated_connections}


def _without(architecture: Architecture, chosen: frozenset[Connection]) -> wirings.Wiring:
    return {
        target: tuple(source for source in sources if Connection(source, target) not in chosen)
        for target, sources in architecture.connections.items()
    }


def _rebuilt(architecture: Architecture, live: wirings.Wiring) -> Architecture:
    merges = {}
    output: dict[str, Shape] = architecture.shapes.output
    for target, sources in live.items():
        size = architecture.shapes.merged[target].size
        if size != smallest([output[source] for source in sources]):
            merges[target] = MergeOverride(size=size)
    gates = architecture.gates
    if gates is not None:
        ungated = tuple(target for target in gates.ungated or () if target in live)
        gates = gates.model_copy(update={"ungated": ungated})
    layers = tuple(layer for layer in architecture.layers if layer.name in live)
    return architecture.replace(layers=layers, connections=live, merges=merges, gates=gates)


def _no_path(architecture: Architecture, scores: dict[Connection, float], rule: Rule) -> str:
    safe = largest_safe_threshold(architecture, scores)
    return (
        f"The cut ({rule}) would leave no path from the input to the head; nothing was written. "
        f"The largest threshold that keeps one is {_rounded_down(safe)}."
    )


def _rounded_down(value: float) -> str:
    """Six significant digits that are never more than the value, so that a user can pass them on as they are."""
    return f"{Context(prec=6, rounding=ROUND_DOWN).create_decimal(repr(value)):g}"
