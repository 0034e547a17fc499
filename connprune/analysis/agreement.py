"""Do several trainings of one architecture end with the same wiring?"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from connprune.architecture.architecture import Connection
from connprune.errors import UsageError
from connprune.runs.gate_history import GateHistory

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """What several runs have in common.

    Attributes:
        connections: the gated connections.
        threshold: gates of a smaller magnitude count as closed.
        final: (runs, connections), the magnitude of each connection's gate at the end.
        paths: for each run (epochs + 1, connections), the magnitudes over training.
        decided: for each run the first epoch from which on the same gates stayed below the threshold; 0 is the start.
    """

    connections: tuple[Connection, ...]
    threshold: float
    final: Matrix
    paths: tuple[Matrix, ...]
    decided: tuple[int, ...]

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """(runs, connections), whether the threshold leaves it; a cut also removes what then leads nowhere."""
        return self.final >= self.threshold

    @cached_property
    def correlation(self) -> Matrix:
        """(runs, runs), Pearson's correlation of the final gates; nan where a run's gates are all equal."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.atleast_2d(np.corrcoef(self.final))

    @cached_property
    def jaccard(self) -> Matrix:
        """(runs, runs), of two cuts the share of connections kept by both among those kept by either (Jaccard 1901)."""
        return np.array([[jaccard(one, other) for other in self.kept] for one in self.kept])

    @cached_property
    def chance(self) -> Matrix:
        """(runs, runs), the Jaccard index that random cuts of the same sizes have on the average."""
        sizes = self.kept.sum(1)
        count = len(self.connections)
        return np.array([[expected_jaccard(int(one), int(other), count) for other in sizes] for one in sizes])

    @cached_property
    def votes(self) -> NDArray[np.int64]:
        """(connections,), how many runs keep it."""
        votes: NDArray[np.int64] = self.kept.sum(0, dtype=np.int64)
        return votes

    @cached_property
    def std(self) -> Matrix:
        """(epochs + 1, connections), the standard deviation of each gate between runs, up to the shortest run's end."""
        length = min(len(path) for path in self.paths)
        paths = np.stack([path[:length] for path in self.paths])
        std: Matrix = paths.std(0, ddof=1 if len(paths) > 1 else 0)
        return std

    @property
    def mean_correlation(self) -> float | None:
        """Over all pairs of runs for which it is defined; None if there is none."""
        defined = [value for value in _pairs(self.correlation) if not np.isnan(value)]
        return fmean(defined) if defined else None

    @property
    def mean_jaccard(self) -> float:
        """Over all pairs of runs."""
        return fmean(_pairs(self.jaccard) or [1.0])

    @property
    def mean_chance(self) -> float:
        """Over all pairs of runs."""
        return fmean(_pairs(self.chance) or [1.0])


def agreement(histories: Sequence[GateHistory], threshold: float) -> Agreement:
    """What several runs have in common.

    Args:
        histories: of runs with the same gated connections, at least two.
        threshold: gates of a smaller magnitude count as closed.

    Raises:
        UsageError: the runs gate different connections.
    """
    first = histories[0].connections
    for number, history in enumerate(histories[1:], 2):
        if history.connections != first:
            raise UsageError(f"Run {number} gates other connections than the first one, so they cannot be compared.")
    paths = tuple(np.abs(history.by_connection()).astype(np.float64) for history in histories)
    return Agreement(
        connections=first,
        threshold=threshold,
        final=np.stack([path[-1] for path in paths]),
        paths=paths,
        decided=tuple(decided_epoch(path >= threshold) for path in paths),
    )


def agreement_of_cuts(
    connections: Sequence[tuple[Connection, ...]], kept: Sequence[Collection[Connection]]
) -> Agreement:
    """What several cuts have in common, where a gate that a cut kept counts as 1 and any other as 0.

    Args:
        connections: of each the gated connections of the network that was searched.
        kept: of each the connections that are left.

    Raises:
        UsageError: they are cuts of networks with different gated connections.
    """
    first = connections[0]
    for number, each in enumerate(connections[1:], 2):
        if each != first:
            raise UsageError(
                f"Cut {number} was made from other connections than the first one, so they cannot be compared."
            )
    final = np.array([[float(connection in left) for connection in first] for left in kept])
    return Agreement(first, 0.5, final, tuple(row[None] for row in final), (0,) * len(final))


def decided_epoch(kept: NDArray[np.bool_]) -> int:
    """The first row from which on all rows equal the last one.

    Args:
        kept: (epochs + 1, connections).
    """
    differs = np.flatnonzero((kept != kept[-1]).any(1))
    return int(differs[-1]) + 1 if len(differs) else 0


def jaccard(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """The share of connections in both among those in either; 1 if there is none in either."""
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 1.0


def expected_jaccard(one: int, other: int, count: int) -> float:
    """The mean Jaccard index of two sets of these sizes drawn at random from `count` things.

    The size of their overlap is hypergeometric.
    """
    if one + other == 0:
        return 1.0
    both = np.arange(max(0, one + other - count), min(one, other) + 1)
    return float((stats.hypergeom.pmf(both, count, one, other) * both / (one + other - both)).sum())


def _pairs(matrix: Matrix) -> list[float]:
    """What stands above the diagonal."""
    return [float(matrix[pair]) for pair in combinations(range(len(matrix)), 2)]
