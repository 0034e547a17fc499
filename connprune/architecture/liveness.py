"""Which connections and feature maps are left once some are removed, followed through to a fixed point.

All numbers are the parent's: of the feature maps that a source gives, and of those that a target's layer reads.
"""

from collections.abc import Mapping, Sequence
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
            read.connection.source: set(range(read.maps)).difference(removed.get(read.connection, ())) for read in reads
        }
        for target, reads in architecture.reads.items()
    }
    blocks = {target: architecture.blocks(target) for target in architecture.connections}
    while True:
        before = _count(left)
        arriving = _arriving(architecture, left, blocks)
        read = _keep_what_is_read(architecture, left, blocks, arriving)
        if before == _count(left):
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
        maps |= read.placed(sources[read.connection.source])
    return maps


def _leave(architecture: Architecture, target: str, sources: Mapping[str, set[int]], wanted: set[int]) -> None:
    """Takes away what the connections bring into other feature maps of a merge; one that mixes makes its own."""
    if architecture.aggregate[target].mixes:
        return
    for source, maps in sources.items():
        at = architecture.read[Connection(source, target)].at
        maps -= {number for number in maps if at[number] not in wanted}


def _count(left: _Open) -> int:
    return sum(len(maps) for sources in left.values() for maps in sources.values())


def _arriving(architecture: Architecture, left: _Open, blocks: Mapping[str, Blocks]) -> list[dict[str, set[int]]]:
    """Goes forward; returns for each step of the schedule what arrives on each connection of its target."""
    made = {INPUT: set(range(architecture.input.feature_maps))}
    arriving: list[dict[str, set[int]]] = []
    for target in architecture.schedule:
        # A block is complete if all of it is there in some pass: what is zero in the first one is part of it.
        merged = _merged(architecture, target, left[target])
        complete = blocks[target].complete(merged)
        if len(complete) < len(merged):
            _leave(architecture, target, left[target], complete)
        now = {}
        for source, maps in left[target].items():
            read, given = architecture.read[Connection(source, target)], made.get(source, set())
            now[source] = read.places(maps, given)
        arriving.append(now)
        if target != HEAD:
            there = _merged(architecture, target, now)
            made[target] = blocks[target].made_of(there, architecture.shapes.output[target].feature_maps)
    return arriving


def _keep_what_is_read(
    architecture: Architecture,
    left: _Open,
    blocks: Mapping[str, Blocks],
    arriving: Sequence[Mapping[str, set[int]]],
) -> dict[str, set[int]]:
    """Goes backward, and leaves of each connection what is read in a pass in which it arrives.

    Returns:
        The feature maps of each source that something reads, and those that stay with them.
    """
    for sources in left.values():
        for maps in sources.values():
            maps.clear()
    read: dict[str, set[int]] = {name: set() for name in architecture.shapes.output}
    # Those of what each source gave last, at the step under way.
    read_now: dict[str, set[int]] = {name: set() for name in architecture.shapes.output}
    for target, now in zip(reversed(architecture.schedule), reversed(arriving), strict=True):
        if target != HEAD:
            whole = blocks[target].whole(read_now[target])
            read_now[target] = set()
            read[target] |= whole
            inputs = architecture.shapes.merged[target].feature_maps
            wanted = blocks[target].needed_for(whole, inputs)
            if not wanted:
                continue
            if len(wanted) < inputs:
                _leave(architecture, target, now, wanted)
        for source, maps in now.items():
            left[target][source] |= maps
            read_now[source] |= architecture.read[Connection(source, target)].taken(maps)
    read[INPUT] = set(range(architecture.input.feature_maps))
    return read
