"""What the drawings of a wiring show: nodes in layer order, and what became of every connection."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.shapes import target_macs
from connprune.runs.gate_history import GateHistory

# From so many layers on arcs hide one another; then so many are drawn for each layer, and the matrix has all.
MANY_LAYERS = 12
ARCS_PER_LAYER = 3

State = Literal["open", "closed", "untrained", "ungated", "removed"]


@dataclass(frozen=True)
class Node:
    """The input, a layer or the head.

    Attributes:
        name: in the architecture.
        gives: its shape, `feature maps@side`; of the head the classes.
        macs: of the layer and the merge before it, for one image.
        is_removed: whether only the parent has it.
    """

    name: str
    gives: str
    macs: int
    is_removed: bool = False


@dataclass(frozen=True)
class Link:
    """A connection and what became of it.

    Attributes:
        connection: its ends.
        state: `open` or `closed` by its gates; `untrained`, its gate has no value yet; `ungated`; `removed` by a cut.
        gate: the mean magnitude of its gates; None if there is none.
        open_maps: how many feature maps a gate leaves open.
        maps: how many feature maps it carries.
        gates: how many gates it has: none, one, or one for each feature map.
        is_backward: whether it brings what a later layer gave in the pass before.
    """

    connection: Connection
    state: State
    gate: float | None
    open_maps: int
    maps: int
    gates: int
    is_backward: bool = False

    @property
    def is_ghost(self) -> bool:
        """Whether nothing passes."""
        return self.state in ("closed", "removed")


@dataclass(frozen=True)
class Connectivity:
    """An architecture as it is drawn.

    Attributes:
        nodes: the input, the layers and the head, in order.
        links: the connections, by target and then by source in that order.
        threshold: gates of a smaller magnitude count as closed.
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    threshold: float

    @cached_property
    def position(self) -> dict[str, int]:
        """The number of each node, from the input, 0, to the head."""
        return {node.name: number for number, node in enumerate(self.nodes)}

    @property
    def largest(self) -> float:
        """Of all gates by magnitude, but at least 1, which is what a gate usually reaches."""
        return max([1.0, *(link.gate for link in self.links if link.gate is not None)])

    @property
    def leads_backward(self) -> bool:
        """Whether some connection is backward."""
        return any(link.is_backward for link in self.links)

    @property
    def per_feature_map(self) -> bool:
        """Whether some connection has more than one gate."""
        return any(link.gates > 1 for link in self.links)

    @property
    def clear(self) -> "Connectivity":
        """What arcs can show: of many layers the most open connections, of equal ones the shortest."""
        layers = len(self.nodes) - 2
        if layers < MANY_LAYERS:
            return self
        links = sorted((link for link in self.links if not link.is_ghost), key=self._rank)
        drawn = {link.connection for link in links[: ARCS_PER_LAYER * layers]}
        return replace(self, links=tuple(link for link in self.links if link.connection in drawn))

    def _rank(self, link: Link) -> tuple[float, int]:
        """What is without a gate is open."""
        gate = self.largest if link.gate is None else link.gate
        return -gate, abs(self.position[link.connection.target] - self.position[link.connection.source])

    @property
    def counts(self) -> str:
        """How much of everything there is, in words."""
        there = [link for link in self.links if link.state != "removed"]
        closed = sum(link.state == "closed" for link in there)
        layers = sum(not node.is_removed for node in self.nodes[1:-1])
        counted = [(len(there), "connection"), (layers, "layer")]
        words = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counted]
        return ", ".join([words[0] + (f", {closed} closed" if closed else ""), words[1]])


def connectivity(
    architecture: Architecture,
    gates: GateHistory | None,
    threshold: float,
    parent: Architecture | None = None,
) -> Connectivity:
    """What to draw of an architecture.

    Args:
        architecture: the architecture.
        gates: those of its training, if it had any; the last row counts.
        threshold: gates of a smaller magnitude count as closed.
        parent: what it was cut from; what only the parent has is drawn as removed.
    """
    final = final_magnitudes(gates) if gates else {}
    whole = parent or architecture
    there = set(architecture.all_connections)
    links = []
    for connection in whole.all_connections:
        owner = architecture if connection in there else whole
        maps, back = owner.read[connection].maps, connection in owner.backward_connections
        if connection not in there:
            links.append(Link(connection, "removed", None, 0, maps, 0, back))
            continue
        values = final.get(connection)
        if values is None:
            state: State = "untrained" if connection in architecture.gated_connections else "ungated"
            links.append(Link(connection, state, None, maps, maps, 0, back))
            continue
        is_open = values >= threshold
        open_maps = int(is_open.sum()) if len(values) > 1 else maps * int(is_open[0])
        links.append(
            Link(
                connection,
                "open" if is_open.any() else "closed",
                float(values.mean()),
                open_maps,
                maps,
                len(values),
                back,
            )
        )
    return Connectivity(_nodes(architecture, whole), tuple(links), threshold)


def _nodes(architecture: Architecture, whole: Architecture) -> tuple[Node, ...]:
    output = architecture.shapes.output
    nodes = [Node(INPUT, str(output[INPUT]), 0)]
    for layer in whole.layers:
        owner = architecture if layer.name in output else whole
        shape = str(owner.shapes.output[layer.name])
        nodes.append(Node(layer.name, shape, target_macs(owner, layer.name), layer.name not in output))
    nodes.append(Node(HEAD, f"{architecture.classes} classes", target_macs(architecture, HEAD)))
    return tuple(nodes)


def final_magnitudes(gates: GateHistory) -> dict[Connection, NDArray[np.float64]]:
    """The magnitudes of each connection's gates at the end, (gates,); what is no number counts as 0."""
    last = [np.nan_to_num(np.abs(part[-1].astype(np.float64))) for part in gates.of_each()]
    return dict(zip(gates.connections, last, strict=True))
