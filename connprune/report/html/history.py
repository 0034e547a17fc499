"""Gates and metrics over the epochs, thinned and rounded so that a page stays light."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connprune.analysis.agreement import Agreement
from connprune.architecture.architecture import Architecture
from connprune.documents.epoch import EpochMetrics
from connprune.report.html.wiring import gated_places
from connprune.runs.gate_history import GateHistory

# So many numbers of one kind at most: about a megabyte of text.
MOST_VALUES = 120_000
MOST_EPOCHS = 1000
MOST_MAPS = 20_000


def gate_data(architecture: Architecture, gates: GateHistory, threshold: float) -> dict[str, object]:
    """The gates of each gated connection over the epochs.

    Args:
        architecture: whose gates they are.
        gates: their history.
        threshold: a gate of a smaller magnitude counts as closed.

    Returns:
        `epochs`, those that are kept, of `last`; `closed`, how many connections are at each of them; `arcs`, the
        numbers of the connections that have a gate; and for each of these `gate`, its values, or of several gates those
        of the largest magnitude. Of gates of feature maps also `mean`, their mean magnitude, `open`, the share that is
        open, and `maps`, each of them at the end.
    """
    values = gates.by_connection()
    rows = kept_rows(len(values), values.shape[1])
    data: dict[str, object] = {
        "epochs": rows,
        "last": len(values) - 1,
        "arcs": gated_places(architecture),
        "gate": columns(values[rows]),
        "closed": closed(values[rows], threshold),
        "kind": architecture.gates.kind if architecture.gates else None,
        "threshold": threshold,
    }
    if any(count > 1 for count in gates.maps):
        parts = [np.abs(part) for part in gates.of_each()]
        data["mean"] = columns(np.stack([part[rows].mean(1) for part in parts], 1))
        data["open"] = columns(np.stack([(part[rows] >= threshold).mean(1) for part in parts], 1))
        if gates.values.shape[1] <= MOST_MAPS:
            data["maps"] = [rounded(part[-1]) for part in parts]
    return data


def agreement_data(architecture: Architecture, agreement: Agreement) -> dict[str, object]:
    """Of several runs, for each gated connection the mean magnitude of its gate over the epochs, and its extremes."""
    length = min(len(path) for path in agreement.paths)
    paths = np.stack([path[:length] for path in agreement.paths])
    rows = kept_rows(length, 3 * paths.shape[2])
    mean = paths[:, rows].mean(0)
    return {
        "epochs": rows,
        "last": length - 1,
        "arcs": gated_places(architecture),
        "kind": architecture.gates.kind if architecture.gates else None,
        "threshold": agreement.threshold,
        "gate": columns(mean),
        "closed": closed(mean, agreement.threshold),
        "low": columns(paths[:, rows].min(0)),
        "high": columns(paths[:, rows].max(0)),
    }


def metrics_data(metrics: Sequence[EpochMetrics]) -> list[dict[str, object]]:
    """The metrics of the epochs, or of so many of them."""
    return [metrics[number].plain() for number in kept_rows(len(metrics), 1)]


def kept_rows(count: int, each: int) -> list[int]:
    """Which of `count` rows are kept, evenly and with the first and the last, if each brings so many numbers."""
    most = max(2, min(MOST_EPOCHS, MOST_VALUES // max(1, each)))
    if count <= most:
        return list(range(count))
    return sorted({round(number * (count - 1) / (most - 1)) for number in range(most)})


def columns(values: NDArray[Any]) -> list[list[float]]:
    """(epochs, connections) as a list for each connection."""
    return [rounded(column) for column in values.T]


def closed(values: NDArray[Any], threshold: float) -> list[int]:
    """(epochs, connections) as how many are closed after each epoch, before anything is rounded."""
    return [int(count) for count in (np.abs(values) < threshold).sum(1)]


def rounded(values: NDArray[Any]) -> list[float]:
    """Four significant digits."""
    return [float(f"{value:.4g}") for value in values]
