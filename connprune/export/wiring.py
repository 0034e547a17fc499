"""What a drawing of the wiring shows: layers with their shapes, and connections with their gates."""

from dataclasses import dataclass

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import CLOSED, HEAD, INPUT
from connprune.runs.gate_history import GateHistory

# How thick an arc is, in points, for a gate of 0 and for the largest.
_THINNEST, _THICKEST = 0.5, 3.0


@dataclass(frozen=True)
class Node:
    """The input, a layer or the head.

    Attributes:
        name: its name in the architecture.
        lines: what it is and what it gives, a line each.
    """

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Arc:
    """A connection.

    Attributes:
        source, target: the names of its ends.
        label: its gate, how many feature maps it carries if that is not all of them, and whether it is backward; may be
            empty.
        width: in points; it grows with the magnitude of the gate.
        is_closed: whether the gate counts as closed.
        is_backward: whether it brings what a later layer gave in the pass before.
    """

    source: str
    target: str
    label: str
    width: float
    is_closed: bool
    is_backward: bool


def nodes(architecture: Architecture) -> list[Node]:
    """The input, the layers in order, and the head."""
    output = architecture.shapes.output
    layers = [Node(layer.name, (layer.name, layer.kind, str(output[layer.name]))) for layer in architecture.layers]
    head = Node(HEAD, (HEAD, f"{architecture.classes} classes"))
    return [Node(INPUT, (INPUT, str(output[INPUT]))), *layers, head]


def arcs(architecture: Architecture, gates: GateHistory | None) -> list[Arc]:
    """The connections, by target in layer order.

    Args:
        architecture: whose they are.
        gates: what they ended with; None if there are none. Of several gates of a connection the one of the largest
            magnitude counts.
    """
    final = gates.final() if gates else {}
    largest = max([1.0, *map(abs, final.values())])
    arcs = []
    for connection in architecture.all_connections:
        gate = final.get(connection)
        selection = architecture.selection(connection.target, connection.source)
        given = architecture.shapes.output[connection.source].feature_maps
        parts = [] if gate is None else [f"{gate:.2f}"]
        if selection and len(selection.take) < given:
            parts.append(f"{len(selection.take)} of {given} maps")
        back = connection in architecture.backward_connections
        parts += ["backward"] * back
        share = 1 / largest if gate is None else abs(gate) / largest
        width = _THINNEST + (_THICKEST - _THINNEST) * share
        closed = gate is not None and abs(gate) < CLOSED
        arcs.append(Arc(*connection, ", ".join(parts), width, closed, back))
    return arcs
