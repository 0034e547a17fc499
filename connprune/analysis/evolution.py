"""How each connection's gate went over a training."""

import numpy as np

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import CLOSED
from connprune.architecture.shapes import brought_maps
from connprune.documents.inspection import ConnectionGate, GateCounts
from connprune.runs.gate_history import GateHistory

# The marks at which gates are counted.
BELOW = (CLOSED, 0.1)
ABOVE = 0.9


def evolutions(architecture: Architecture, history: GateHistory | None) -> tuple[ConnectionGate, ...]:
    """Every connection of the architecture; without a history the gate values are None."""
    columns = {}
    if history is not None:
        columns = dict(zip(history.connections, history.by_connection().T, strict=True))
    rows = []
    for connection in architecture.all_connections:
        values = columns.get(connection)
        picked = [None] * 4 if values is None else [values[-1], values[0], values.min(), values.max()]
        gate, start, smallest, largest = (None if value is None else float(value) for value in picked)
        target = connection.target
        stacks, merged = architecture.aggregate[target].stacks, architecture.shapes.merged[target].feature_maps
        share = architecture.read[connection].maps / (brought_maps(architecture, target) if stacks else merged)
        gated = connection in architecture.gated_connections
        rows.append(
            ConnectionGate(
                source=connection.source,
                target=connection.target,
                backward=connection in architecture.backward_connections,
                gated=gated,
                gate=gate,
                start=start,
                smallest=smallest,
                largest=largest,
                share=share,
            )
        )
    return tuple(rows)


def gate_counts(history: GateHistory, threshold: float = CLOSED) -> GateCounts:
    """How many connections' gates ended below a threshold, which counts as closed, and below and above the marks."""
    final = np.abs(history.by_connection()[-1])
    return GateCounts(
        gated_connections=len(final),
        threshold=threshold,
        closed=int((final < threshold).sum()),
        below={f"{mark:g}": int((final < mark).sum()) for mark in BELOW},
        above={f"{ABOVE:g}": int((final > ABOVE).sum())},
    )


def by_epoch(history: GateHistory) -> list[dict[str, int | float]]:
    """Every connection's gate at each epoch; epoch 0 is the start."""
    names = [str(connection) for connection in history.connections]
    return [
        {"epoch": epoch, **{name: float(gate) for name, gate in zip(names, row, strict=True)}}
        for epoch, row in enumerate(history.by_connection())
    ]
