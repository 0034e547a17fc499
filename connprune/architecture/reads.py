"""Every connection as its target reads it: which feature maps it brings, where they go, and which gates are its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from connprune.architecture.architecture import Architecture, Connection


@dataclass(frozen=True)
class Read:
    """A connection as its target reads it.

    Attributes:
        connection: from where to where.
        given: how many feature maps the source gives.
        take: the numbers, among these, of those that the connection brings.
        at: where they stand among the feature maps that the merge aggregates.
        segment: which they are of all that the target's connections bring, one behind the other.
        gates: which gates are the connection's, of all those of the network; none without a gate.
    """

    connection: Connection
    given: int
    take: Sequence[int]
    at: Sequence[int]
    segment: range
    gates: range

    @property
    def maps(self) -> int:
        """How many feature maps it brings."""
        return len(self.take)

    def taken(self, places: Set[int]) -> Set[int]:
        """The numbers, among what its source gives, of the feature maps at these places of those that it brings."""
        # Without a selection each stands at its own number.
        return places if isinstance(self.take, range) else {self.take[place] for place in places}

    def places(self, places: Set[int], given: Set[int]) -> set[int]:
        """Those of these places that bring one of these feature maps of its source."""
        if isinstance(self.take, range):
            return set(places & given)
        return {place for place in places if self.take[place] in given}

    def placed(self, places: Set[int]) -> Set[int]:
        """Where the feature maps at these places, of those that it brings, stand among what the merge aggregates."""
        # A cut mostly leaves all of them, or none.
        return self._at if len(places) == self.maps else {self.at[place] for place in places}

    @cached_property
    def _at(self) -> frozenset[int]:
        return frozenset(self.at)

    @property
    def takes_all(self) -> bool:
        """Whether it brings all that its source gives, in their order."""
        # Without a selection it is a range, which takes all.
        return isinstance(self.take, range) or list(self.take) == list(range(self.given))


def infer_reads(architecture: Architecture) -> dict[str, tuple[Read, ...]]:
    """For each target its connections, in their order."""
    gated = frozenset(architecture.gated_connections)
    shared = architecture.gates is not None and architecture.gates.sharing == "shared"
    incoming: dict[str, list[Connection]] = {target: [] for target in architecture.connections}
    for connection in architecture.all_connections:
        incoming[connection.target].append(connection)
    reads: dict[str, tuple[Read, ...]] = {}
    gate = 0
    for target, connections in incoming.items():
        stacks = architecture.aggregate[target].stacks
        of_target: list[Read] = []
        first = 0
        for connection in connections:
            given = architecture.shapes.output[connection.source].feature_maps
            selection = architecture.selection(target, connection.source)
            take: Sequence[int] = selection.take if selection else range(given)
            segment = range(first, first + len(take))
            placed: Sequence[int] = selection.at if selection and selection.at is not None else range(len(take))
            count = 0 if connection not in gated else 1 if shared else len(take)
            of_target.append(
                Read(connection, given, take, segment if stacks else placed, segment, range(gate, gate + count))
            )
            first, gate = segment.stop, gate + count
        reads[target] = tuple(of_target)
    return reads
