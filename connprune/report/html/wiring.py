"""Layers and connections as the page draws them."""

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import INPUT
from connprune.architecture.cutting import macs_of_each
from connprune.architecture.shapes import carried_maps
from connprune.report.document import targets

# What each connection brings in MACs takes a cut each; with more connections times feature maps it is left out.
MOST_MEASURED = 1_000_000
_OF_A_NODE = {"kind", "reads", "gives", "parameters", "macs"}


def wiring_data(architecture: Architecture) -> dict[str, object]:
    """The input, the layers and the head as `nodes`; the connections as `arcs`, in the architecture's order."""
    given = str(architecture.shapes.output[INPUT])
    nodes: list[dict[str, object]] = [{"name": INPUT, "kind": INPUT, "gives": given}]
    for target in targets(architecture):
        nodes.append({"name": target.target, **target.model_dump(include=_OF_A_NODE)})
    gated = set(architecture.gated_connections)
    measured = len(gated) * carried_maps(architecture) <= MOST_MEASURED
    macs = dict(zip(architecture.gated_connections, macs_of_each(architecture), strict=True)) if measured else {}
    arcs = [
        {
            "source": connection.source,
            "target": connection.target,
            "backward": connection in architecture.backward_connections,
            "gated": connection in gated,
            "maps": architecture.read[connection].maps,
            "macs": macs.get(connection),
        }
        for connection in architecture.all_connections
    ]
    return {"nodes": nodes, "arcs": arcs}


def maps_left(architecture: Architecture, smaller: Architecture) -> list[int]:
    """For each connection how many feature maps it still carries in a part of the architecture; 0 if it is gone."""
    there = set(smaller.all_connections)
    return [smaller.read[connection].maps if connection in there else 0 for connection in architecture.all_connections]


def gated_places(architecture: Architecture) -> list[int]:
    """The numbers of the connections that have a gate, among all."""
    gated = set(architecture.gated_connections)
    return [number for number, connection in enumerate(architecture.all_connections) if connection in gated]


def is_part(architecture: Architecture, smaller: Architecture) -> bool:
    """Whether every connection of one architecture is in the other."""
    return set(smaller.all_connections) <= set(architecture.all_connections)
