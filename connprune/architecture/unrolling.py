"""Unrolling: in which order the targets are computed where connections lead backward too.

The layers are computed in their order, pass after pass, and the head once, after the last pass. A connection brings
what its source gave last: one from a layer before the target what it gave in the same pass, one from a layer after it,
a *backward connection*, what it gave in the pass before, and zeros in the first pass. Weights and gates are the same in
all passes. What cannot have changed since the pass before is not computed again, nor what nothing reads any more, so a
network without backward connections takes one pass.
"""

from collections.abc import Mapping, Sequence

from connprune.architecture.base import HEAD, INPUT


def backward(connections: Mapping[str, Sequence[str]]) -> frozenset[tuple[str, str]]:
    """The backward connections, (source, target).

    Args:
        connections: for each target its sources; the targets in layer order, the head last.
    """
    done = {INPUT}
    pairs: set[tuple[str, str]] = set()
    for target, sources in connections.items():
        pairs.update((source, target) for source in sources if source not in done)
        done.add(target)
    return frozenset(pairs)


def changing(connections: Mapping[str, Sequence[str]]) -> list[str]:
    """The layers, in order, that may give something else in another pass: some backward connection reaches them.

    Args:
        connections: as `backward` takes them.
    """
    later = {target for _, target in backward(connections)}
    found: dict[str, None] = {}
    for target, sources in connections.items():
        if target != HEAD and (target in later or any(source in found for source in sources)):
            found[target] = None
    return list(found)


def schedule(connections: Mapping[str, Sequence[str]], passes: int) -> tuple[str, ...]:
    """The targets in the order in which they are computed, a layer once for each pass that the head needs it in.

    Args:
        connections: as `backward` takes them.
        passes: how many.
    """
    layers = [target for target in connections if target != HEAD]
    wanted = {HEAD}
    steps: list[str] = []
    for target in reversed([*layers, *changing(connections) * (passes - 1), HEAD]):
        if target in wanted:
            # What it gave before this is not read after it.
            wanted.remove(target)
            wanted.update(connections[target])
            steps.append(target)
    return tuple(reversed(steps))


def lively(connections: Mapping[str, Sequence[str]], passes: int) -> set[tuple[str, str]]:
    """The connections, (source, target), that bring something of the input to the head in some pass.

    Args:
        connections: as `backward` takes them.
        passes: how many.
    """
    fed = {INPUT}
    live: set[tuple[str, str]] = set()
    for target in schedule(connections, passes):
        arriving = [(source, target) for source in connections[target] if source in fed]
        live.update(arriving)
        if arriving:
            fed.add(target)
    return live


def last_readers(steps: Sequence[str], connections: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """For each step of a schedule the sources whose values nothing reads after it, so that they can be let go.

    Args:
        steps: as `schedule` gives them.
        connections: as `backward` takes them.
    """
    read: set[str] = set()
    last: list[list[str]] = []
    for target in reversed(steps):
        read.discard(target)
        unread = [source for source in dict.fromkeys(connections[target]) if source not in read]
        last.append(unread)
        read.update(unread)
    return last[::-1]
