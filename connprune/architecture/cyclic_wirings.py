"""The live wirings within a parent's that has backward connections: drawn uniformly, and listed where they are few.

What is decided for one target leaves more open here than the numbers that `live_wirings` counts by. So sets of
connections are drawn, each with the same probability, and those that are not live are drawn again.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, combinations
from math import comb
from random import Random

from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.unrolling import lively
from connprune.architecture.wirings import Wiring

# Of more connections the sets are not tried one by one.
MOST_LISTED = 16
# After so many sets in a row that are not live no more are drawn.
ATTEMPTS = 20_000


class CyclicWirings:
    """All live wirings that are part of a parent's whose connections lead backward too.

    Args:
        wiring: the parent's connections.
        passes: how many it is unrolled for.
        whole: as in `LiveWirings`.
    """

    def __init__(self, wiring: Mapping[str, Collection[str]], passes: int, whole: Collection[str] = ()) -> None:
        self.wiring = wiring
        self.passes = passes
        self.whole = frozenset(whole)
        self._connections = [(source, target) for target, sources in wiring.items() for source in sources]

    def count(self, connections: int | None = None) -> int | None:
        """How many there are, of this many connections or of any number; None where they are not listed."""
        if len(self._connections) > MOST_LISTED:
            return None
        return sum(connections is None or sum(map(len, wiring.values())) == connections for wiring in self._all)

    def draws(self, random: Random, sizes: Sequence[int] | None = None) -> Iterator[Wiring]:
        """Wirings, each with the same probability; they end after `ATTEMPTS` sets in a row that are not live.

        Args:
            random: where chance comes from.
            sizes: how many connections they may have, one number or several; None is any.
        """
        total = len(self._connections)
        allowed = [size for size in (range(1, total + 1) if sizes is None else sizes) if 0 < size <= total]
        ends = list(accumulate(comb(total, size) for size in allowed))
        since = 0
        while ends and since < ATTEMPTS:
            size = allowed[bisect_right(ends, random.randrange(ends[-1]))]
            wiring = self._live(random.sample(self._connections, size))
            since = since + 1 if wiring is None else 0
            if wiring is not None:
                yield wiring

    def __iter__(self) -> Iterator[Wiring]:
        yield from self._all

    @cached_property
    def _all(self) -> list[Wiring]:
        sets = (
            chosen for size in range(1, len(self._connections) + 1) for chosen in combinations(self._connections, size)
        )
        return [wiring for chosen in sets if (wiring := self._live(chosen)) is not None]

    def _live(self, chosen: Collection[tuple[str, str]]) -> Wiring | None:
        """The connections as a wiring if all of them are live, else None."""
        there = set(chosen)
        read = {source for source, _ in chosen}
        # Before anything is followed: what reads is read, and what is read reads.
        if read - {INPUT} != {target for _, target in chosen} - {HEAD}:
            return None
        wiring: Wiring = {}
        for target, sources in self.wiring.items():
            kept = tuple(source for source in sources if (source, target) in there)
            if target in self.whole and 0 < len(kept) < len(sources):
                return None
            if kept:
                wiring[target] = kept
        return wiring if HEAD in wiring and lively(wiring, self.passes) == there else None
