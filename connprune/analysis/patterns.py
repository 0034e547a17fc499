"""Which connection patterns come back in the cuts of several searches, beside what chance gives.

A pattern is the kind of the source, the kind of the target, and how many layers the target is behind the source, in the
network that was searched. A connection that is kept once is one of many; a pattern that is kept more often than in
random wirings, over targets, stages and searches, recurs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from statistics import fmean
from typing import Literal, NamedTuple

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.baselines import WiringSpace, wirings_within
from connprune.architecture.cutting import cut_connections
from connprune.architecture.rules import Keep, Unit
from connprune.errors import UsageError

# How many random wirings there are for each network and number of connections, and how often one is taken for each cut;
# the ends of the interval are the 25th of these from either side.
WIRINGS = 200
DRAWS = 1000
_TAIL = DRAWS // 40

Verdict = Literal["more", "less", "as chance"]


class Pattern(NamedTuple):
    """What connections have in common.

    Attributes:
        source: kind of the source; `input` is the input.
        target: kind of the target; `head` is the head.
        distance: how many layers the target is behind the source; 1 is the next.
    """

    source: str
    target: str
    distance: int


@dataclass(frozen=True)
class Recurrence:
    """How often a pattern is kept.

    Attributes:
        pattern: which.
        kept: by how many connections of the cuts.
        possible: how many the networks that were searched have.
        chance: the mean number in random live wirings of as many connections as each cut has.
        low: the lower end of the interval that holds 95% of these.
        high: the upper end.
        targets: in how many different targets it is kept.
        stages: of how many different heights and widths these are.
        searches: in how many cuts it is kept.
    """

    pattern: Pattern
    kept: int
    possible: int
    chance: float
    low: int
    high: int
    targets: int
    stages: int
    searches: int

    @property
    def verdict(self) -> Verdict:
        """Whether it is kept more or less often than the interval of chance allows."""
        if self.kept > self.high:
            return "more"
        return "less" if self.kept < self.low else "as chance"


def patterns_of(parent: Architecture) -> dict[Connection, Pattern]:
    """The pattern of each connection of a network that was searched."""
    place = {name: number for number, name in enumerate([INPUT, *parent.layer, HEAD])}
    kind = {name: parent.layer[name].kind if name in parent.layer else name for name in place}
    return {
        connection: Pattern(kind[connection.source], kind[connection.target], _distance(place, connection))
        for connection in parent.all_connections
    }


def _distance(place: Mapping[str, int], connection: Connection) -> int:
    return place[connection.target] - place[connection.source]


def recurrences(searches: Sequence[tuple[Architecture, Architecture]]) -> list[Recurrence]:
    """Every pattern that the searched networks have, those that are kept most above chance first.

    Args:
        searches: for each the network that was searched and its cut; the networks may differ.
    """
    patterns = [patterns_of(parent) for parent, _ in searches]
    kept = [
        [each[connection] for connection in cut.all_connections]
        for each, (_, cut) in zip(patterns, searches, strict=True)
    ]
    possible = Counter(pattern for each in patterns for pattern in each.values())
    drawn = _drawn(searches, patterns)
    found = [
        _recurrence(pattern, possible[pattern], sorted(counts[pattern] for counts in drawn), searches, patterns, kept)
        for pattern in possible
    ]
    return sorted(found, key=lambda each: (each.chance - each.kept, each.pattern))


def _drawn(
    searches: Sequence[tuple[Architecture, Architecture]],
    patterns: Sequence[Mapping[Connection, Pattern]],
) -> list[Counter[Pattern]]:
    """For each draw the patterns of a random wiring for each cut: one of those that its network and size have."""
    random = Random("patterns")  # noqa: S311 - nothing here is secret
    spaces: dict[str, WiringSpace] = {}
    pools: dict[tuple[str, int], list[Counter[Pattern]]] = {}
    keys = [(repr(parent.connections), len(cut.all_connections)) for parent, cut in searches]
    for (space, connections), (parent, _), known in zip(keys, searches, patterns, strict=True):
        if space not in spaces:
            spaces[space] = wirings_within(parent)
        if (space, connections) not in pools:
            wirings = list(islice(spaces[space].draws(random, [connections]), WIRINGS))
            if len(wirings) < WIRINGS:
                raise UsageError(
                    "There is no saying what chance gives: with backward connections random wirings are drawn by "
                    f"trying, and {len(wirings)} of {connections} connections were found, expected {WIRINGS}."
                )
            pools[space, connections] = [
                Counter(known[Connection(source, target)] for target in wiring for source in wiring[target])
                for wiring in wirings
            ]
    return [sum((random.choice(pools[key]) for key in keys), Counter()) for _ in range(DRAWS)]


def _recurrence(
    pattern: Pattern,
    possible: int,
    chance: Sequence[int],
    searches: Sequence[tuple[Architecture, Architecture]],
    patterns: Sequence[Mapping[Connection, Pattern]],
    kept: Sequence[Sequence[Pattern]],
) -> Recurrence:
    targets: set[str] = set()
    stages: set[tuple[int, int]] = set()
    for (parent, cut), known in zip(searches, patterns, strict=True):
        mine = [connection.target for connection in cut.all_connections if known[connection] == pattern]
        targets.update(mine)
        stages.update(parent.shapes.merged[target].size for target in mine)
    return Recurrence(
        pattern=pattern,
        kept=sum(each.count(pattern) for each in kept),
        possible=possible,
        chance=sum(chance) / len(chance),
        low=chance[_TAIL],
        high=chance[-1 - _TAIL],
        targets=len(targets),
        stages=len(stages),
        searches=sum(pattern in each for each in kept),
    )


def block_of(searches: Sequence[tuple[Architecture, Architecture]]) -> Architecture:
    """The first network that was searched with the connections whose patterns were kept most often.

    They are as many as the cuts have on the average; what then leads nowhere goes too.

    Args:
        searches: as `recurrences` takes them.

    Raises:
        DisconnectedError: these leave no path from the input to the head.
    """
    possible: Counter[Pattern] = Counter()
    kept: Counter[Pattern] = Counter()
    for parent, cut in searches:
        known = patterns_of(parent)
        possible.update(known.values())
        kept.update(known[connection] for connection in cut.all_connections)
    first = searches[0][0]
    scores: dict[Unit, float] = {
        connection: kept[pattern] / possible[pattern] for connection, pattern in patterns_of(first).items()
    }
    return cut_connections(first, scores, Keep(round(fmean(len(cut.all_connections) for _, cut in searches))))
