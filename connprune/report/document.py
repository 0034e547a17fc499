"""An architecture, and what its training made of it, as one document."""

from pathlib import Path

from connprune.analysis.evolution import by_epoch, evolutions, gate_counts
from connprune.analysis.likeness import likeness
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import CLOSED, HEAD
from connprune.architecture.files import to_data
from connprune.architecture.shapes import mac_count, parameter_count, target_macs, target_parameters
from connprune.documents.inspection import Inspection, Target, Wiring
from connprune.documents.run import Summary
from connprune.runs.gate_history import GateHistory


def describe(
    architecture: Architecture,
    gates: GateHistory | None,
    summary: Summary | None,
    path: Path | None,
    threshold: float = CLOSED,
    history: bool = False,
) -> Inspection:
    """Everything that `inspect` shows.

    Args:
        architecture: what to describe.
        gates: the gates of its training, if it had any.
        summary: the summary of its run, if it was trained.
        path: of its run.
        threshold: a gate below it counts as closed.
        history: whether the gates of every epoch belong to it.
    """
    return Inspection(
        kind=summary.kind if summary else "architecture",
        status=summary.status if summary else None,
        path=str(path) if path else None,
        connections=len(architecture.all_connections),
        gated_connections=len(architecture.gated_connections),
        parameters=parameter_count(architecture),
        macs=mac_count(architecture),
        gates=gate_counts(gates, threshold) if gates else None,
        targets=targets(architecture),
        connection_gates=evolutions(architecture, gates),
        wiring=wiring(architecture, gates, threshold) if gates or summary else None,
        summary=summary,
        architecture=to_data(architecture),
        history=tuple(by_epoch(gates)) if gates and history else None,
    )


def wiring(architecture: Architecture, gates: GateHistory | None, threshold: float) -> Wiring:
    """What the wiring is like, by the magnitude of the gates; a connection without a gate is open."""
    weights = dict.fromkeys(architecture.all_connections, 1.0)
    if gates:
        weights |= {connection: abs(gate) for connection, gate in gates.final().items()}
    return likeness(architecture, weights, threshold)


def targets(architecture: Architecture) -> tuple[Target, ...]:
    """For each target what it reads and gives, and what it costs."""
    merged, output = architecture.shapes.merged, architecture.shapes.output
    rows = []
    for target, sources in architecture.connections.items():
        layer = architecture.layer.get(target)
        rows.append(
            Target(
                target=target,
                kind=layer.kind if layer else HEAD,
                sources=sources,
                reads=str(merged[target]),
                feature_maps=merged[target].feature_maps,
                height=merged[target].height,
                width=merged[target].width,
                gives=str(output[target]) if layer else f"{architecture.classes} classes",
                parameters=target_parameters(architecture, target),
                macs=target_macs(architecture, target),
                passes=architecture.passes[target],
            )
        )
    return tuple(rows)
