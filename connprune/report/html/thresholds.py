"""What each of a range of thresholds would leave, as `prune` tries them, and of which connections."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from connprune.architecture.architecture import Architecture
from connprune.architecture.cutting import GateValues, cut_by_scores, safe_threshold, telling_thresholds
from connprune.architecture.rules import Threshold
from connprune.documents.cut import ThresholdRow
from connprune.report.html.wiring import maps_left
from connprune.runs.gate_history import GateHistory

COUNT = 20


@dataclass(frozen=True)
class Measured:
    """What takes the run's images to know.

    Attributes:
        rows: of the sweep.
        scores: by which it cut.
        strengths: for each gated connection its gate times the norm of the weights that read it.
        same_data: whether the images are those that the run was trained on.
    """

    rows: Sequence[ThresholdRow]
    scores: GateValues
    strengths: Sequence[float]
    same_data: bool


def threshold_data(
    architecture: Architecture, gates: GateHistory, measured: Measured | None, why: str | None
) -> dict[str, object]:
    """The rows of the sweep.

    Args:
        architecture: whose gates they are.
        gates: their history; the last epoch counts.
        measured: the sweep with its accuracies; None is a sweep without.
        why: why there are no accuracies, in a sentence.

    Returns:
        `rows`; `left`, for each row how many feature maps each connection still carries; `limit`, the largest threshold
        that leaves a path from the input to the head, or null if all do; `why`.
    """
    scores = measured.scores if measured else gate_scores(gates)
    thresholds = (
        [row.threshold for row in measured.rows] if measured else telling_thresholds(architecture, scores, COUNT)
    )
    outcomes = [cut_by_scores(architecture, scores, Threshold(threshold)) for threshold in thresholds]
    counted = [
        {"threshold": threshold, **outcome.report.after.plain()}
        for threshold, outcome in zip(thresholds, outcomes, strict=True)
    ]
    limit = safe_threshold(architecture, scores)
    return {
        "rows": [row.plain() for row in measured.rows] if measured else counted,
        "left": [maps_left(architecture, outcome.architecture) for outcome in outcomes],
        "limit": limit if math.isfinite(limit) else None,
        "why": why,
        "same_data": measured.same_data if measured else True,
    }


def gate_scores(gates: GateHistory) -> GateValues:
    """The magnitude of each connection's gate at the end, or of the gates of its feature maps."""
    parts = [np.abs(part[-1]) for part in gates.of_each()]
    shared = all(count == 1 for count in gates.maps)
    return {
        connection: float(part[0]) if shared else part.astype(float).tolist()
        for connection, part in zip(gates.connections, parts, strict=True)
    }
