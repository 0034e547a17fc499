"""The value of every gate after every epoch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from connprune.architecture.architecture import Architecture, Connection
from connprune.errors import DamagedFileError

FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


@dataclass(frozen=True)
class GateHistory:
    """The gates of a run.

    Attributes:
        connections: the gated connections.
        maps: how many gates each connection has: 1 if it shares one, else its source's feature maps.
        values: (epochs + 1, gates), row 0 is the start; a connection's gates stand side by side.
    """

    connections: tuple[Connection, ...]
    maps: tuple[int, ...]
    values: FloatArray

    def of_each(self) -> list[FloatArray]:
        """For each connection (epochs + 1, its gates)."""
        return np.split(self.values, np.cumsum(self.maps)[:-1], axis=1) if self.maps else []

    def by_connection(self) -> FloatArray:
        """(epochs + 1, connections): each connection's gate, or of several the one of largest magnitude.

        A connection is as open as its most open feature map: only then does a threshold on it cut nothing that is open.
        """
        if all(count == 1 for count in self.maps):
            return self.values
        strongest = [np.take_along_axis(part, np.abs(part).argmax(1)[:, None], 1) for part in self.of_each()]
        return np.concatenate(strongest, axis=1)

    def final(self) -> dict[Connection, float]:
        """The gate that each connection ended with, as `by_connection` has it."""
        last = self.by_connection()[-1]
        return {connection: float(gate) for connection, gate in zip(self.connections, last, strict=True)}

    def belongs_to(self, architecture: Architecture) -> bool:
        """Whether these are the gates of this architecture, in its order."""
        return (self.connections, self.maps) == (architecture.gated_connections, architecture.gate_counts)

    def restricted(self, architecture: Architecture, gates: Sequence[int]) -> "GateHistory":
        """The history of the gates that a cut left.

        Args:
            architecture: the cut.
            gates: their numbers among this history's gates.
        """
        return GateHistory.of(architecture, self.values[:, list(gates)])

    @classmethod
    def of(cls, architecture: Architecture, values: FloatArray) -> "GateHistory":
        """The history with these values, (epochs + 1, gates), of an architecture's gates."""
        return cls(architecture.gated_connections, architecture.gate_counts, values)

    def to_arrays(self) -> tuple[dict[str, FloatArray], dict[str, str]]:
        """What is stored: the values, and as metadata the names."""
        columns = zip(self.connections, self.maps, strict=True)
        names = [[connection.source, connection.target, count] for connection, count in columns]
        return {"gates": self.values}, {"connections": json.dumps(names)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, FloatArray], metadata: dict[str, str], name: str) -> "GateHistory":
        """Reads what `to_arrays` gave.

        Raises:
            UsageError: it is something else.
        """
        try:
            rows = json.loads(metadata["connections"])
            connections = tuple(Connection(source, target) for source, target, _ in rows)
            history = cls(connections, tuple(int(count) for _, _, count in rows), arrays["gates"])
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
            raise DamagedFileError(name, "it holds no gates") from None
        values = history.values
        if values.ndim != 2 or not len(values) or values.shape[1] != sum(history.maps) or values.dtype.kind != "f":
            raise DamagedFileError(name, "its gates do not match their names")
        if not np.isfinite(values).all():
            raise DamagedFileError(name, "a gate is no finite number")
        return history
