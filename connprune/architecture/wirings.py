"""Reference wirings, and the one order in which connections are written down."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.unrolling import lively

Wiring = dict[str, tuple[str, ...]]


def dense(layers: Sequence[str]) -> Wiring:
    """Every layer and the head read all that comes before them: 1 + 2 + … + (n + 1) connections for n layers."""
    nodes = [INPUT, *layers, HEAD]
    return {target: tuple(nodes[:position]) for position, target in enumerate(nodes) if position}


def chain(layers: Sequence[str]) -> Wiring:
    """Every layer and the head read the one just before them."""
    return {target: (source,) for source, target in pairwise([INPUT, *layers, HEAD])}


def residual(layers: Sequence[str]) -> Wiring:
    """A chain in blocks of two layers; what reads a block also reads what the block reads (He et al. 2016)."""
    nodes = [INPUT, *layers, HEAD]
    wiring = chain(layers)
    for before in range(0, len(layers) - 1, 2):
        reader = nodes[before + 3]
        wiring[reader] = (nodes[before], *wiring[reader])
    return wiring


def complete(layers: Sequence[str]) -> Wiring:
    """Every layer reads the input and all other layers, the head all layers and the input.

    Between n layers there are n(n - 1) connections, half of them backward; with those of the input and the head
    n(n - 1) + 2n + 1.
    """
    nodes = [INPUT, *layers]
    return {**{target: tuple(name for name in nodes if name != target) for target in layers}, HEAD: tuple(nodes)}


WIRINGS: dict[str, Callable[[Sequence[str]], Wiring]] = {
    "dense": dense,
    "chain": chain,
    "residual": residual,
    "complete": complete,
}


def in_order(connections: Mapping[str, Sequence[str]], layers: Sequence[str], passes: int = 1) -> Wiring:
    """The connections with targets and sources in layer order.

    Args:
        connections: for each target its sources.
        layers: their names in order.
        passes: how many the network is unrolled for; in a single one nothing reads a later layer.

    Raises:
        ValueError: a name is no layer, a layer reads nothing or itself, or nothing reads a layer; in a single pass one
            reads a later one, or in several a connection brings nothing of the input to the head.
    """
    position = {name: number for number, name in enumerate([INPUT, *layers, HEAD])}
    for target, sources in connections.items():
        if target not in position or target == INPUT:
            raise ValueError(f"{target!r} is no layer of this architecture, nor the head")
        for source in sources:
            if source not in position or source == HEAD:
                raise ValueError(f"{target!r} reads {source!r}, which is no layer of this architecture, nor the input")
            if source == target:
                raise ValueError(f"{target!r} reads itself; let it read another layer that reads it")
            if position[source] > position[target] and passes == 1:
                raise ValueError(
                    f"{target!r} reads {source!r}, which does not come before it; a backward connection needs an "
                    "unroll of 2 or more passes"
                )
        if len(set(sources)) < len(sources):
            raise ValueError(f"{target!r} names a source twice")
    for name in [*layers, HEAD]:
        if not connections.get(name):
            raise ValueError(f"{name!r} reads nothing; give it a source")
    unread = set(layers) - {source for sources in connections.values() for source in sources}
    if unread:
        raise ValueError(f"nothing reads {min(unread, key=position.__getitem__)!r}; connect it or leave it out")
    ordered = {
        target: tuple(sorted(connections[target], key=position.__getitem__))
        for target in sorted(connections, key=position.__getitem__)
    }
    if passes > 1:
        live = lively(ordered, passes)
        for target, sources in ordered.items():
            for source in sources:
                if (source, target) not in live:
                    raise ValueError(
                        f"in {passes} passes, {target!r} gets nothing of the input from {source!r} that the head "
                        "reads; take this connection out, or give unroll more passes"
                    )
    return ordered
