"""An architecture, and what its training made of it, as one JSON document."""

from dataclasses import asdict
from typing import Any

from connprune.analysis.evolution import as_rows, evolutions, gate_summary
from connprune.analysis.likeness import likeness
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import CLOSED, HEAD, Shape
from connprune.architecture.files import to_data
from connprune.architecture.shapes import mac_count, parameter_count, target_macs, target_parameters
from connprune.documents.base import SCHEMA
from connprune.runs.gate_history import GateHistory


def describe(
    architecture: Architecture, gates: GateHistory | None, summary: dict[str, Any] | None, threshold: float = CLOSED
) -> dict[str, Any]:
    """Everything that `inspect` shows.

    Args:
        architecture: what to describe.
        gates: the gates of its training, if it had any.
        summary: the summary of its run, if it was trained.
        threshold: a gate below it counts as closed.
    """
    return {
        "schema": SCHEMA,
        "kind": summary.get("kind") if summary else "architecture",
        "status": summary.get("status") if summary else None,
        "gated_connections": len(architecture.gated_connections),
        "parameters": parameter_count(architecture),
        "macs": mac_count(architecture),
        "gates": gate_summary(gates, threshold) if gates else None,
        "shapes": shape_rows(architecture),
        "connections": as_rows(evolutions(architecture, gates)),
        "wiring": wiring(architecture, gates, threshold) if gates or summary else None,
        "summary": summary,
        "architecture": to_data(architecture),
    }


def wiring(architecture: Architecture, gates: GateHistory | None, threshold: float) -> dict[str, Any]:
    """What the wiring is like, by the magnitude of the gates; a connection without a gate is open."""
    weights = dict.fromkeys(architecture.all_connections, 1.0)
    if gates:
        weights |= {connection: abs(gate) for connection, gate in gates.final().items()}
    found = likeness(architecture, weights, threshold)
    document = asdict(found)
    return {**document, "long_skips": [str(skip) for skip in found.long_skips], "sentence": found.sentence}


def shape_rows(architecture: Architecture) -> list[dict[str, Any]]:
    """For each target what it reads and gives, as `feature maps@side`, and what it costs."""
    merged, output = architecture.shapes.merged, architecture.shapes.output
    rows = []
    for target, sources in architecture.connections.items():
        layer = architecture.layer.get(target)
        rows.append(
            {
                "target": target,
                "kind": layer.kind if layer else HEAD,
                "sources": list(sources),
                "reads": str(merged[target]),
                **_sides(merged[target]),
                "gives": str(output[target]) if layer else f"{architecture.classes} classes",
                "parameters": target_parameters(architecture, target),
                "macs": target_macs(architecture, target),
            }
        )
    return rows


def _sides(shape: Shape) -> dict[str, int]:
    return {"feature_maps": shape.feature_maps, "height": shape.height, "width": shape.width}
