"""How each connection's gate went over a training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import CLOSED
from connprune.runs.gate_history import GateHistory

# The marks at which gates are counted.
BELOW = (CLOSED, 0.1)
ABOVE = 0.9


@dataclass(frozen=True)
class Evolution:
    """One connection's gate over a training.

    Attributes:
        source, target: the connection.
        gated: whether it has a gate; if not, the four gate values are None.
        gate: now. Of several gates of a connection, all four values are those of the largest magnitude.
        start: before the first epoch.
        smallest, largest: over all epochs, the start included.
        share: its part of the feature maps that the target merges, 0 to 1.
    """

    source: str
    target: str
    gated: bool
    gate: float | None
    start: float | None
    smallest: float | None
    largest: float | None
    share: float


def evolutions(architecture: Architecture, history: GateHistory | None) -> list[Evolution]:
    """Every connection of the architecture; without a history the gate values are None."""
    columns = {}
    if history is not None:
        columns = dict(zip(history.connections, history.by_connection().T, strict=True))
    shapes = architecture.shapes
    rows = []
    for connection in architecture.all_connections:
        values = columns.get(connection)
        picked = [None] * 4 if values is None else [values[-1], values[0], values.min(), values.max()]
        gate, start, smallest, largest = (None if value is None else float(value) for value in picked)
        share = shapes.output[connection.source].feature_maps / shapes.merged[connection.target].feature_maps
        gated = connection in architecture.gated_connections
        rows.append(Evolution(*connection, gated, gate, start, smallest, largest, share))
    return rows


def gate_summary(history: GateHistory, threshold: float = CLOSED) -> dict[str, Any]:
    """How many connections' gates ended below a threshold, which counts as closed, and below and above the marks."""
    final = np.abs(history.by_connection()[-1])
    return {
        "gated_connections": len(final),
        "threshold": threshold,
        "closed": int((final < threshold).sum()),
        **{f"below_{mark:g}": int((final < mark).sum()) for mark in BELOW},
        f"above_{ABOVE:g}": int((final > ABOVE).sum()),
    }


def gate_counts(found: Mapping[str, Any]) -> list[tuple[str, int]]:
    """What `gate_summary` counted: `below 0.01` and how many, the threshold first, and the other marks."""
    marks = [mark for mark in BELOW if mark > found["threshold"]]
    below = [(found["threshold"], found["closed"]), *((mark, found[f"below_{mark:g}"]) for mark in marks)]
    return [*((f"below {mark:g}", count) for mark, count in below), (f"above {ABOVE:g}", found[f"above_{ABOVE:g}"])]


def by_epoch(history: GateHistory) -> list[dict[str, Any]]:
    """Every connection's gate at each epoch; epoch 0 is the start."""
    names = [str(connection) for connection in history.connections]
    return [
        {"epoch": epoch, **{name: float(gate) for name, gate in zip(names, row, strict=True)}}
        for epoch, row in enumerate(history.by_connection())
    ]


def as_rows(found: list[Evolution]) -> list[dict[str, Any]]:
    """The evolutions as plain data."""
    return [asdict(row) for row in found]
