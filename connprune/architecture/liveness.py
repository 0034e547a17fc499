"""Which connections and feature maps are left once some are removed, followed through to a fixed point.

All numbers are the parent's: of the feature maps that a source gives, and of those that a target's layer reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.blocks import Blocks

Numbers = tuple[int, ...]
_Open = dict[str, dict[str, set[int]]]


@dataclass(frozen=True)
class Live:
    """What is left of a parent.

    Attributes:
        connections: for each target and source that are left, which of the connection's feature maps, by their place
            among those that the connection carries.
        output: for each source, the feature maps it still gives.
        merged: for each target, the feature maps that its layer still reads.
    """

    connections: dict[str, dict[str, Numbers]]
    output: dict[str, Numbers]
    merged: dict[str, Numbers]


def propagate(architecture: Architecture, removed: Mapping[Connection, frozenset[int]]) -> Live | None:
    """What lies on a path from the input to the head once feature maps are removed from connections.

    A feature map goes when nothing makes it any more or nothing reads it any more, and with it, in turn, what it alone
    was made from or read by. Where a layer's feature maps hang together (`Blocks`), they go together.

    Args:
        architecture: the parent.
        removed: for each connection the places, among the feature maps that it carries, that are removed.

    Returns:
        None if no path is left.
    """
    left: _Open = {
        target: {
            read.connection.source: set(range(read.maps)) - removed.get(read.connection, frozenset()) for read in reads
        }
        for target, reads in architecture.reads.items()
    }
    blocks = {target: architecture.blocks(target) for target in architecture.connections}
    while True:
        before = sum(len(maps) for sources in left.values() for maps in sources.values())
        made = _drop_what_nothing_makes(architecture, left, blocks)
        read = _drop_what_nothing_reads(architecture, left, blocks, made)
        if before == sum(len(maps) for sources in left.values() for maps in sources.values()):
            break
    if not any(left[HEAD].values()):
        return None
    connections = {
        target: {source: tuple(sorted(maps)) for source, maps in sources.items() if maps}
        for target, sources in left.items()
        if any(sources.values())
    }
    merged = {}
    for target in connections:
        maps = _merged(architecture, target, left[target])
        if target != HEAD and blocks[target].linked:
            # A merge that mixes makes only what a layer that passes its feature maps on is still asked for.
            maps &= blocks[target].needed_for(read[target], architecture.shapes.merged[target].feature_maps)
        merged[target] = tuple(sorted(maps))
    output = {name: tuple(sorted(maps)) for name, maps in read.items() if name == INPUT or name in connections}
    return Live(connections, output, merged)


def _merged(architecture: Architecture, target: str, sources: Mapping[str, set[int]]) -> set[int]:
    """What the target's layer reads: of a merge that mixes all, as long as that reads anything."""
    if architecture.aggregate[target].mixes:
        return set(range(architecture.shapes.merged[target].feature_maps)) if any(sources.values()) else set()
    maps: set[int] = set()
    for read in architecture.reads[target]:
        maps.update(map(read.at.__getitem__, sources[read.connection.source]))
    return maps


def _leave(architecture: Architecture, target: str, sources: Mapping[str, set[int]], wanted: set[int]) -> None:
    """Takes away what the connections bring into other feature maps of a merge; one that mixes makes its own."""
    if architecture.aggregate[target].mixes:
        return
    for source, maps in sources.items():
        at = architecture.read[Connection(source, target)].at
        maps -= {number for number in maps if at[number] not in wanted}


def _drop_what_nothing_makes(
    architecture: Architecture, left: _Open, blocks: Mapping[str, Blocks]
) -> dict[str, set[int]]:
    """Goes forward; returns the feature maps that each source makes."""
    made = {INPUT: set(range(architecture.input.feature_maps))}
    for target, sources in left.items():
        for source, maps in sources.items():
            taken = architecture.read[Connection(source, target)].take
            maps -= {number for number in maps if taken[number] not in made[source]}
        merged = _merged(architecture, target, sources)
        complete = blocks[target].complete(merged)
        if len(complete) < len(merged):
            _leave(architecture, target, sources, complete)
        if target != HEAD:
            made[target] = blocks[target].made_of(complete, architecture.shapes.output[target].feature_maps)
    return made


def _drop_what_nothing_reads(
    architecture: Architecture, left: _Open, blocks: Mapping[str, Blocks], made: Mapping[str, set[int]]
) -> dict[str, set[int]]:
    """Goes backward; returns the feature maps of each source that something reads, and those that stay with them."""
    read: dict[str, set[int]] = {name: set() for name in made}
    for target, sources in reversed(left.items()):
        if target != HEAD:
            read[target] = blocks[target].whole(read[target])
            inputs = architecture.shapes.merged[target].feature_maps
            wanted = blocks[target].needed_for(read[target], inputs)
            if not wanted:
                for maps in sources.values():
                    maps.clear()
            elif len(wanted) < inputs:
                _leave(architecture, target, sources, wanted)
        for source, maps in sources.items():
            taken = architecture.read[Connection(source, target)].take
            read[source].update(taken[number] for number in maps)
    read[INPUT] = set(made[INPUT])
    return read
