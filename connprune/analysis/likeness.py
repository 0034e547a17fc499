"""What a wiring is like: near which familiar one it lies, how far its connections reach, which layers it left out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from statistics import fmean

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.wirings import WIRINGS

# The skip of a residual network goes forward by three places: over a block of two layers. A long one goes further.
LONG = 4
# An overlap is more than chance from this difference on, and nearly everything from this share on.
CLEARLY, NEARLY_ALL = 0.05, 0.9
_DEALS = 200

Weights = Mapping[Connection, float]


@dataclass(frozen=True)
class Likeness:
    """How a wiring compares with a reference wiring of the same layers.

    Attributes:
        overlap: the weighted Jaccard index, Σ min / Σ max of the two wirings' weights over all connections there could
            be (Ružička 1958); 1 is the same.
        chance: its mean if the weights of the gated connections are dealt at random among these; without gates, all
            weights among all connections there could be. Dense wirings look the same however they are dealt.
    """

    overlap: float
    chance: float


@dataclass(frozen=True)
class Found:
    """What a wiring is like.

    Attributes:
        likeness: by the name of the reference wiring.
        mean_skip: how many places a connection goes forward, by weight; 1 is to the next layer.
        long_skips: the kept connections that go forward by `LONG` places or more, the longest first.
        sources, targets: for each layer how many kept connections it reads, and how many read it; the input and the
            head included.
        dead_layers: the layers that no kept path from the input to the head goes through.
    """

    likeness: dict[str, Likeness]
    mean_skip: float
    long_skips: tuple[Connection, ...]
    sources: dict[str, int]
    targets: dict[str, int]
    dead_layers: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The wiring in one line."""
        name, nearest = max(self.likeness.items(), key=lambda item: item[1].overlap - item[1].chance)
        dense = self.likeness["dense"].overlap
        if nearest.overlap - nearest.chance >= CLEARLY and nearest.overlap >= dense:
            kind = f"Most like a {name} network (overlap {nearest.overlap:.2f}, by chance {nearest.chance:.2f})"
        elif dense >= NEARLY_ALL:
            kind = f"Nearly a dense network (overlap {dense:.2f})"
        elif nearest.overlap - nearest.chance >= CLEARLY:
            kind = (
                f"A dense network in part (overlap {dense:.2f}), more like a {name} one than chance "
                f"({nearest.overlap:.2f}, by chance {nearest.chance:.2f})"
            )
        else:
            kind = "No more like a chain or a residual network than chance"
        return f"{kind}; {self._skips}; {self._dead}."

    @property
    def _skips(self) -> str:
        if not self.long_skips:
            return "no long skips"
        sources = Counter(connection.source for connection in self.long_skips).most_common()
        names = [f"{source} ({count})" if count > 1 and len(sources) > 1 else source for source, count in sources]
        total = len(self.long_skips)
        return f"{total} long skip{'s' if total > 1 else ''} from {' and '.join(names)}"

    @property
    def _dead(self) -> str:
        return f"without {', '.join(self.dead_layers)}" if self.dead_layers else "every layer is in use"


def likeness(architecture: Architecture, weights: Weights, threshold: float) -> Found:
    """What a wiring is like.

    Args:
        architecture: whose layers they are.
        weights: how open each connection is, 0 to 1; one that is not named is closed.
        threshold: a connection that is less open than this counts as not there.
    """
    layers = [layer.name for layer in architecture.layers]
    place = {name: number for number, name in enumerate([INPUT, *layers, HEAD])}
    possible = [
        Connection(source, target) for target, sources in WIRINGS["dense"](layers).items() for source in sources
    ]
    ours = [min(1.0, weights.get(connection, 0.0)) for connection in possible]
    gated = set(architecture.gated_connections) or set(possible)
    free = [number for number, connection in enumerate(possible) if connection in gated]
    kept = [connection for connection in possible if weights.get(connection, 0.0) >= threshold]
    skips = {connection: place[connection.target] - place[connection.source] for connection in possible}
    weight = sum(ours)
    alive = _on_a_path(kept)
    return Found(
        likeness={name: _likeness(possible, ours, free, make(layers)) for name, make in WIRINGS.items()},
        mean_skip=sum(skips[one] * each for one, each in zip(possible, ours, strict=True)) / weight if weight else 0.0,
        long_skips=tuple(sorted((one for one in kept if skips[one] >= LONG), key=skips.__getitem__, reverse=True)),
        sources={name: sum(one.target == name for one in kept) for name in [*layers, HEAD]},
        targets={name: sum(one.source == name for one in kept) for name in [INPUT, *layers]},
        dead_layers=tuple(name for name in layers if name not in alive),
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
        for place, taken in zip(free, random.sample(free, len(free)), strict=True):
            dealt[place] = ours[taken]
        overlaps.append(_overlap(dealt, theirs))
    return Likeness(_overlap(ours, theirs), fmean(overlaps))


def _overlap(ours: list[float], theirs: list[float]) -> float:
    pairs = list(zip(ours, theirs, strict=True))
    return sum(map(min, pairs)) / sum(map(max, pairs))


def _on_a_path(kept: list[Connection]) -> set[str]:
    """The names on some path from the input to the head; connections are in the order of their targets."""
    reached = {INPUT}
    for source, target in kept:
        if source in reached:
            reached.add(target)
    useful = {HEAD}
    for source, target in reversed(kept):
        if target in useful:
            useful.add(source)
    return reached & useful
