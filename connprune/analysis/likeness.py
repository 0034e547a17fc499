"""What a wiring is like: near which familiar one it lies, how far its connections reach, which layers it left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from statistics import fmean

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.unrolling import lively
from connprune.architecture.wirings import WIRINGS
from connprune.documents.inspection import Likeness, Wiring

# The skip of a residual network goes forward by three places: over a block of two layers. A long one goes further.
LONG = 4
# An overlap is more than chance from this difference on, and nearly everything from this share on.
CLEARLY, NEARLY_ALL = 0.05, 0.9
_DEALS = 200

Weights = Mapping[Connection, float]


def likeness(architecture: Architecture, weights: Weights, threshold: float) -> Wiring:
    """What a wiring is like.

    Args:
        architecture: whose layers they are.
        weights: how open each connection is, 0 to 1; one that is not named is closed.
        threshold: a connection that is less open than this counts as not there.
    """
    layers = [layer.name for layer in architecture.layers]
    position = {name: number for number, name in enumerate([INPUT, *layers, HEAD])}
    # A wiring with backward connections is part of the complete one, any other of the dense one.
    whole = "complete" if architecture.backward_connections else "dense"
    references = {name: make(layers) for name, make in WIRINGS.items() if name in ("dense", "chain", "residual", whole)}
    possible = [Connection(source, target) for target, sources in references[whole].items() for source in sources]
    ours = [min(1.0, weights.get(connection, 0.0)) for connection in possible]
    gated = set(architecture.gated_connections) or set(possible)
    free = [number for number, connection in enumerate(possible) if connection in gated]
    kept = [connection for connection in possible if weights.get(connection, 0.0) >= threshold]
    skips = {connection: position[connection.target] - position[connection.source] for connection in possible}
    weight = sum(ours)
    alive = _on_a_path(kept, architecture.unroll)
    likeness = {name: _likeness(possible, ours, free, wiring) for name, wiring in references.items()}
    long_skips = sorted((one for one in kept if skips[one] >= LONG), key=skips.__getitem__, reverse=True)
    dead_layers = tuple(name for name in layers if name not in alive)
    return Wiring(
        likeness=likeness,
        mean_skip=sum(skips[one] * each for one, each in zip(possible, ours, strict=True)) / weight if weight else 0.0,
        long_skips=tuple(map(str, long_skips)),
        sources={name: sum(one.target == name for one in kept) for name in [*layers, HEAD]},
        targets={name: sum(one.source == name for one in kept) for name in [INPUT, *layers]},
        dead_layers=dead_layers,
        sentence=_sentence(likeness, whole, long_skips, dead_layers),
    )


def _likeness(
    possible: list[Connection], ours: list[float], free: list[int], reference: Mapping[str, tuple[str, ...]]
) -> Likeness:
    """`free` are the numbers of the connections whose weights may be dealt to one another."""
    theirs = [float(source in reference.get(target, ())) for source, target in possible]
    random = Random("likeness")  # noqa: S311 - nothing here is secret
    overlaps = []
    for _ in range(_DEALS):
        dealt = list(ours)
        for number, taken in zip(free, random.sample(free, len(free)), strict=True):
            dealt[number] = ours[taken]
        overlaps.append(_overlap(dealt, theirs))
    return Likeness(overlap=_overlap(ours, theirs), chance=fmean(overlaps))


def _overlap(ours: list[float], theirs: list[float]) -> float:
    pairs = list(zip(ours, theirs, strict=True))
    return sum(map(min, pairs)) / sum(map(max, pairs))


def _on_a_path(kept: list[Connection], passes: int) -> set[str]:
    """The names on some path from the input to the head; connections are in the order of their targets."""
    sources: dict[str, list[str]] = {}
    for source, target in kept:
        sources.setdefault(target, []).append(source)
    sources.setdefault(HEAD, [])
    return {name for pair in lively(sources, passes) for name in pair}


def _sentence(
    likeness: Mapping[str, Likeness], whole: str, long_skips: Sequence[Connection], dead_layers: Sequence[str]
) -> str:
    """The wiring in one line; `whole` is the reference wiring that has all connections there could be."""
    name, nearest = max(likeness.items(), key=lambda item: item[1].overlap - item[1].chance)
    overlap = likeness[whole].overlap
    if nearest.overlap - nearest.chance >= CLEARLY and nearest.overlap >= overlap:
        kind = f"Most like a {name} network (overlap {nearest.overlap:.2f}, by chance {nearest.chance:.2f})"
    elif overlap >= NEARLY_ALL:
        kind = f"Nearly a {whole} network (overlap {overlap:.2f})"
    elif nearest.overlap - nearest.chance >= CLEARLY:
        kind = (
            f"A {whole} network in part (overlap {overlap:.2f}), more like a {name} one than chance "
            f"({nearest.overlap:.2f}, by chance {nearest.chance:.2f})"
        )
    else:
        kind = "No more like a chain or a residual network than chance"
    return f"{kind}; {_skips(long_skips)}; {_dead(dead_layers)}."


def _skips(long_skips: Sequence[Connection]) -> str:
    if not long_skips:
        return "no long skips"
    sources = Counter(connection.source for connection in long_skips).most_common()
    names = [f"{source} ({count})" if count > 1 and len(sources) > 1 else source for source, count in sources]
    total = len(long_skips)
    return f"{total} long skip{'s' if total > 1 else ''} from {' and '.join(names)}"


def _dead(dead_layers: Sequence[str]) -> str:
    return f"without {', '.join(dead_layers)}" if dead_layers else "every layer is in use"
