"""The baselines of a cut: what else its parent's connections could have been cut down to."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from random import Random

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import INPUT
from connprune.architecture.cutting import restricted
from connprune.architecture.cyclic_wirings import MOST_LISTED, CyclicWirings
from connprune.architecture.live_wirings import LiveWirings
from connprune.architecture.shapes import parameter_count
from connprune.architecture.wirings import WIRINGS, Wiring
from connprune.errors import NoBaselineError, UsageError

# How far the parameters of a `random-params` baseline may be from the cut's.
TOLERANCE = 0.02
# More wirings than this are not listed one by one.
MOST_WIRINGS = 5000
_ATTEMPTS = 20_000
# Draws for each wiring that is wanted, where it is not known whether there are so many.
_DRAWS = 100

# The wirings that a parent could be cut down to.
WiringSpace = LiveWirings | CyclicWirings


@dataclass(frozen=True)
class Pair:
    """What baselines are made for.

    Attributes:
        parent: the architecture that the cut came from, before any cut, without gates.
        cut: the cut architecture, without gates.
        seed: of all that is drawn.
    """

    parent: Architecture
    cut: Architecture
    seed: int

    @cached_property
    def space(self) -> WiringSpace:
        """The wirings that the parent could be cut down to."""
        return wirings_within(self.parent)


def wirings_within(architecture: Architecture) -> WiringSpace:
    """The wirings that an architecture could be cut down to.

    Where a block of the feature maps that a target reads spans several sources, the target is in such a wiring with
    all that it reads or not at all; so is what passes its own feature maps on to a target that reads them in blocks.
    """
    whole: set[str] = set()
    in_blocks: set[str] = set()
    known = -1
    # Where a connection leads backward a target can learn of one that was looked at before it.
    while known < len(whole) + len(in_blocks):
        known = len(whole) + len(in_blocks)
        for target, sources in reversed(architecture.connections.items()):
            if architecture.aggregate[target].mixes:
                continue  # It makes all feature maps of whatever it reads.
            blocks = architecture.blocks(target)
            if blocks.reads > 1:
                in_blocks.add(target)
                if any(len(blocks.complete(read.at)) < read.maps for read in architecture.reads[target]):
                    whole.add(target)
            if target in in_blocks:
                linked = {source for source in sources if source != INPUT and architecture.blocks(source).linked}
                whole |= linked
                in_blocks |= linked
    if architecture.backward_connections:
        return CyclicWirings(architecture.connections, architecture.unroll, whole)
    return LiveWirings(architecture.connections, whole)


def wired(parent: Architecture, name: str) -> Architecture:
    """All the parent's layers with a reference wiring.

    Raises:
        UsageError: it is no part of the parent's.
    """
    return restricted(parent, WIRINGS[name]([layer.name for layer in parent.layers]))


def reference(pair: Pair, name: str) -> Architecture:
    """The baseline with a reference wiring of all the parent's layers.

    Raises:
        NoBaselineError: it is no part of the parent's wiring.
    """
    try:
        return wired(pair.parent, name)
    except UsageError as error:
        raise NoBaselineError(f"baseline {name}: {error}") from None


def random(pair: Pair, count: int) -> list[Architecture]:
    """Different wirings of as many connections as the cut has, each with the same probability, none of them the cut's.

    Raises:
        NoBaselineError: there are not so many.
    """
    connections = len(pair.cut.all_connections)
    generator = Random(f"random {pair.seed}")  # noqa: S311 - nothing here is secret
    counted = pair.space.count(connections)
    there_are = None if counted is None else counted - _is_in_space(pair)
    if there_are is not None and there_are < count:
        raise NoBaselineError(
            f"baseline random:{count}: there are only {there_are} wirings of {connections} connections."
        )
    draws = pair.space.draws(generator, [connections])
    different = _different(pair, draws if there_are else islice(draws, _DRAWS * count), count)
    if len(different) < count:
        raise NoBaselineError(
            f"baseline random:{count}: with backward connections wirings are drawn by trying, and {len(different)} of "
            f"{connections} connections were found; try random-cost:N."
        )
    return different


def random_params(pair: Pair, count: int) -> list[Architecture]:
    """Different wirings with as many parameters as the cut, within `TOLERANCE`.

    They have up to a third more or fewer connections than the cut; of these wirings each has the same probability.

    Raises:
        NoBaselineError: there are none, or too few were found.
    """
    wanted = parameter_count(pair.cut)
    generator = Random(f"random-params {pair.seed}")  # noqa: S311
    near = len(pair.cut.all_connections) // 3
    sizes = range(len(pair.cut.all_connections) - near, len(pair.cut.all_connections) + near + 1)
    draws = pair.space.draws(generator, sizes)
    first = list(islice(draws, 1))
    if not first:
        raise NoBaselineError(
            f"baseline random-params:{count}: no wirings of {sizes[0]} to {sizes[-1]} connections were found."
        )
    fitting = (
        wiring
        for wiring in islice(chain(first, draws), _ATTEMPTS)
        if abs(parameter_count(restricted(pair.parent, wiring)) - wanted) <= TOLERANCE * wanted
    )
    different = _different(pair, fitting, count)
    if len(different) < count:
        raise NoBaselineError(
            f"baseline random-params:{count}: among {_ATTEMPTS:,} random wirings {len(different)} had {wanted:,} "
            f"parameters within {TOLERANCE:.0%}."
        )
    return different


def require_draws(pair: Pair, text: str) -> None:
    """Refuses a parent of which no wiring is found by drawing.

    Raises:
        NoBaselineError: it is one.
    """
    if next(pair.space.draws(Random(pair.seed)), None) is None:  # noqa: S311
        raise NoBaselineError(f"baseline {text}: no random set of the parent's connections was a wiring.")


def every(pair: Pair) -> list[Architecture]:
    """All wirings but the cut's.

    Raises:
        NoBaselineError: there are more than `MOST_WIRINGS`.
    """
    count = pair.space.count()
    if count is None:
        raise NoBaselineError(
            f"baseline all: this parent has {len(pair.parent.all_connections)} connections, and with backward ones "
            f"among them wirings are listed of at most {MOST_LISTED}; try random:N."
        )
    if count > MOST_WIRINGS:
        raise NoBaselineError(
            f"baseline all: this parent has {count:,} wirings, more than the {MOST_WIRINGS:,} that can be trained one "
            "by one; try random:N."
        )
    return _different(pair, iter(pair.space), count)


def _different(pair: Pair, wirings: Iterator[Wiring], count: int) -> list[Architecture]:
    """The first `count` that differ from each other and from the cut."""
    taken = {_frozen(pair.cut.connections)}
    different: list[Architecture] = []
    while len(different) < count and (wiring := next(wirings, None)) is not None:
        if _frozen(wiring) not in taken:
            taken.add(_frozen(wiring))
            different.append(restricted(pair.parent, wiring))
    return different


def _is_in_space(pair: Pair) -> bool:
    cut, parent = pair.cut.connections, pair.parent.connections
    return set(pair.cut.all_connections) <= set(pair.parent.all_connections) and all(
        cut[name] == parent[name] for name in pair.space.whole if name in cut
    )


def _frozen(wiring: Wiring) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset(wiring.items())
