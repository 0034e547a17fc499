"""What a wiring is like: near which familiar one it lies, how far its connections reach, which layers it left out."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from statistics import fmean

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.wirings import WIRINGS

# A connection over at least this many places skips more than the block of two layers that a residual one does.
LONG = 3
_DEALS = 200

Weights = Mapping[Connection, float]


@dataclass(frozen=True)
class Likeness:
    """How a wiring compares with a reference wiring of the same layers.

    Attributes:
        overlap: the weighted Jaccard index, Σ min / Σ max of the two wirings' weights over all connections there could
            be (Ružička 1958); 1 is the same.
        chance: its mean if the same weights are dealt at random among the wiring's connections that could be.
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
        if nearest.overlap <= nearest.chance:
            kind = "No more like a chain, a residual or a dense network than chance"
        else:
            kind = f"Most like a {name} network (overlap {nearest.overlap:.2f}, by chance {nearest.chance:.2f})"
        return f"{kind}; {self._skips}; {self._dead}."

    @property
    def _skips(self) -> str:
        if not self.long_skips:
            return "no long skips"
        source, count = Counter(connection.source for connection in self.long_skips).most_common(1)[0]
        total = len(self.long_skips)
        many = f"{total} long skip{'s' if total > 1 else ''}"
        return f"{many} from {source}" if count == total else f"{many}, most ({count}) from {source}"

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
    kept = [connection for connection in possible if weights.get(connection, 0.0) >= threshold]
    skips = {connection: place[connection.target] - place[connection.source] for connection in possible}
    weight = sum(ours)
    return Found(
        likeness={name: _likeness(possible, ours, make, layers) for name, make in WIRINGS.items()},
        mean_skip=sum(skips[one] * each for one, each in zip(possible, ours, strict=True)) / weight if weight else 0.0,
        long_skips=tuple(sorted((one for one in kept if skips[one] >= LONG), key=skips.__getitem__, reverse=True)),
        sources={name: sum(one.target == name for one in kept) for name in [*layers, HEAD]},
        targets={name: sum(one.source == name for one in kept) for name in [INPUT, *layers]},
        dead_layers=tuple(name for name in layers if name not in _on_a_path(kept)),
    )


def _likeness(
    possible: list[Connection],
    ours: list[float],
    make: Callable[[list[str]], Mapping[str, tuple[str, ...]]],
    layers: list[str],
) -> Likeness:
    wiring = make(layers)
    theirs = [float(source in wiring.get(target, ())) for source, target in possible]
    random = Random("likeness")  # noqa: S311 - nothing here is secret
    deals = [_overlap(random.sample(ours, len(ours)), theirs) for _ in range(_DEALS)]
    return Likeness(_overlap(ours, theirs), fmean(deals))


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
