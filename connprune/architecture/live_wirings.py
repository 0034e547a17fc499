"""The live wirings within a parent's: counted, drawn uniformly, or listed.

A wiring is live if every connection in it lies on a path from the input to the head; layers may be missing. Targets are
decided one after the other, the last one the head. All that a decision leaves to the later ones is, for each set of
later readers, how many of the nodes that have just these are still unread and how many are read; so wirings are counted
by these numbers and not one by one, and the counts make a draw exact.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations, product
from math import comb
from random import Random

from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.wirings import Wiring

# The targets, by number, that may still read a node.
_Readers = tuple[int, ...]


@dataclass(frozen=True, order=True)
class _Group:
    """Nodes that are alive and have the same possible readers: how many nothing reads yet, and how many are read."""

    readers: _Readers
    unread: int
    read: int


# What the targets before a point have left to those after it.
_State = tuple[_Group, ...]
# From each group that a target may read: how many of the unread nodes it takes, and how many of those already read.
_Choice = tuple[tuple[int, int], ...]
# How many wirings there are of so many connections.
_Counts = dict[int, int]


class LiveWirings:
    """All live wirings that are part of a parent's.

    Args:
        wiring: the parent's connections.
        whole: layers, or the head, that read all their sources or are not there at all.
    """

    def __init__(self, wiring: Mapping[str, Collection[str]], whole: Collection[str] = ()) -> None:
        self.wiring = wiring
        self.targets = list(wiring)
        self.whole = frozenset(whole)
        self._counts: dict[tuple[int, _State], _Counts] = {}

    def count(self, connections: int | None = None) -> int:
        """How many there are, of this many connections or of any number."""
        return _of(self._from(0, self._start), connections)

    def draw(self, random: Random, connections: int | None = None) -> Wiring:
        """One of them, each with the same probability.

        Args:
            random: where chance comes from.
            connections: how many it has; None is any number.

        Raises:
            ValueError: there is none of this many connections.
        """
        if not self.count(connections):
            raise ValueError(f"no live wiring has {connections} connections")
        alive: dict[str, bool] = {INPUT: False}
        drawn: dict[str, tuple[str, ...]] = {}
        left = connections
        for position, target in enumerate(self.targets):
            state = self._state(position, alive)
            weights = {
                choice: ways * _of(after, left - taken if left is not None else None)
                for choice, taken, ways, after in self._choices(position, state)
            }
            ends = list(accumulate(weights.values()))
            choice = list(weights)[bisect_right(ends, random.randrange(ends[-1]))]
            if choice is None:
                continue
            sources = self._drawn(random, position, state, choice, alive)
            drawn[target] = tuple(name for name in self.wiring[target] if name in sources)
            alive.update(dict.fromkeys(sources, True))
            alive[target] = False
            left = left - len(sources) if left is not None else None
        return drawn

    def draws(self, random: Random, sizes: Sequence[int] | None = None) -> Iterator[Wiring]:
        """Wirings without end, each with the same probability; none if there is none.

        Args:
            random: where chance comes from.
            sizes: how many connections they may have, one number or several; None is any.
        """
        choices: Sequence[int | None] = [None] if sizes is None else sizes
        ends = list(accumulate(map(self.count, choices)))
        while ends[-1]:
            # Of a single choice nothing is drawn.
            number = bisect_right(ends, random.randrange(ends[-1])) if len(choices) > 1 else 0
            yield self.draw(random, choices[number])

    def __iter__(self) -> Iterator[Wiring]:
        yield from self._listed(0, {INPUT: False})

    @property
    def _start(self) -> _State:
        return self._state(0, {INPUT: False})

    @cached_property
    def _readers(self) -> dict[str, _Readers]:
        nodes = [INPUT, *self.targets[:-1]]
        numbered = list(enumerate(self.targets))
        return {node: tuple(number for number, target in numbered if node in self.wiring[target]) for node in nodes}

    def _left_readers(self, node: str, position: int) -> _Readers:
        return tuple(number for number in self._readers[node] if number >= position)

    def _state(self, position: int, alive: Mapping[str, bool]) -> _State:
        """The state before a target: `alive` says of each node that is there whether it is read."""
        unread: Counter[_Readers] = Counter()
        read: Counter[_Readers] = Counter()
        for node, is_read in alive.items():
            (read if is_read else unread)[self._left_readers(node, position)] += 1
        return self._grouped(unread, read)

    @staticmethod
    def _grouped(unread: Counter[_Readers], read: Counter[_Readers]) -> _State:
        groups = (_Group(readers, unread[readers], read[readers]) for readers in {**unread, **read})
        return tuple(sorted(group for group in groups if group.unread or (group.read and group.readers)))

    def _from(self, position: int, state: _State) -> _Counts:
        """The ways to decide this target and all after it."""
        if any(not group.readers for group in state):
            return {}
        key = (position, state)
        if key not in self._counts:
            counts: _Counts = defaultdict(int)
            for _, taken, ways, after in self._choices(position, state):
                for connections, count in after.items():
                    counts[connections + taken] += ways * count
            self._counts[key] = counts
        return self._counts[key]

    def _choices(self, position: int, state: _State) -> Iterator[tuple[_Choice | None, int, int, _Counts]]:
        """What a target may read: the choice, how many nodes that are, in how many ways, and the ways of what follows.

        The choice is None for a layer that is not there.
        """
        last = position == len(self.targets) - 1
        if not last:
            yield None, 0, 1, self._from(position + 1, self._after(position, state, None))
        open_groups = [group for group in state if position in group.readers]
        whole = self.targets[position] in self.whole
        if whole and sum(group.unread + group.read for group in open_groups) < len(self.wiring[self.targets[position]]):
            return
        if last and len(open_groups) < len(state):
            return
        ranges = [
            product(
                [group.unread] if last or whole else range(group.unread + 1),
                [group.read] if whole else range(group.read + 1),
            )
            for group in open_groups
        ]
        for choice in product(*ranges):
            taken = sum(unread + read for unread, read in choice)
            if not taken:
                continue
            ways = 1
            for group, (unread, read) in zip(open_groups, choice, strict=True):
                ways *= comb(group.unread, unread) * comb(group.read, read)
            yield (
                choice,
                taken,
                ways,
                {0: 1} if last else self._from(position + 1, self._after(position, state, choice)),
            )

    def _after(self, position: int, state: _State, choice: _Choice | None) -> _State:
        unread: Counter[_Readers] = Counter()
        read: Counter[_Readers] = Counter()
        choices = iter(choice or ())
        for group in state:
            taken = next(choices)[0] if choice is not None and position in group.readers else 0
            readers = tuple(number for number in group.readers if number > position)
            unread[readers] += group.unread - taken
            read[readers] += group.read + taken
        if choice is not None:
            unread[self._readers[self.targets[position]]] += 1
        return self._grouped(unread, read)

    def _drawn(
        self, random: Random, position: int, state: _State, choice: _Choice, alive: Mapping[str, bool]
    ) -> set[str]:
        """Which nodes a choice takes."""
        sources: set[str] = set()
        open_groups = [group for group in state if position in group.readers]
        for group, numbers in zip(open_groups, choice, strict=True):
            for is_read, number in zip((False, True), numbers, strict=True):
                nodes = [
                    node
                    for node, already in alive.items()
                    if already is is_read and self._left_readers(node, position) == group.readers
                ]
                sources.update(random.sample(nodes, number))
        return sources

    def _listed(self, position: int, alive: Mapping[str, bool]) -> Iterator[Wiring]:
        if not self._from(position, self._state(position, alive)):
            return
        target = self.targets[position]
        sources = [name for name in self.wiring[target] if name in alive]
        if target == HEAD:
            needed = {name for name, is_read in alive.items() if not is_read}
            if target in self.whole:
                needed |= set(self.wiring[target])
            for size in range(1, len(sources) + 1):
                for chosen in combinations(sources, size):
                    if needed <= set(chosen):
                        yield {HEAD: chosen}
            return
        yield from self._listed(position + 1, alive)
        complete = len(sources) == len(self.wiring[target])
        for size in range(1, len(sources) + 1):
            if target in self.whole and not (complete and size == len(sources)):
                continue
            for chosen in combinations(sources, size):
                for rest in self._listed(position + 1, {**alive, **dict.fromkeys(chosen, True), target: False}):
                    yield {target: chosen, **rest}


def _of(counts: _Counts, connections: int | None) -> int:
    """How many there are of this many connections, or of any number."""
    return sum(counts.values()) if connections is None else counts.get(connections, 0)
