"""The chart of accuracy against cost: which points it has, and which of them are on the Pareto front."""

from statistics import fmean
from typing import Any

from connprune.analysis.pareto import front
from connprune.documents.base import Fraction, Natural
from connprune.documents.comparison import UNITS, Comparison, Counts
from connprune.report.headings import COSTS


class Point(Counts):
    """A network, or the mean of several, in the chart of accuracy against cost.

    Attributes:
        name: what it is called.
        network: the row that it is, or of one of several networks of a row its own name.
        is_one_of_several: whether it is only part of a row.
        accuracy: on the test images, 0 to 1.
        std: of that over the repetitions; None of fewer than two, or of a part.
        repetitions: what the mean is over.
    """

    name: str
    network: str
    is_one_of_several: bool = False
    accuracy: Fraction
    std: float | None = None
    repetitions: Natural


def chart_data(document: Comparison) -> dict[str, Any]:
    """What the chart of accuracy against cost shows.

    `points`; `costs`, what each of them is called; `fronts`, for each of them the numbers of the points on its front;
    and `unit`, what the means are over.

    The best of many networks would be on a front by luck, so their mean stands for them.
    """
    points = [*_parts(document), *_rows(document)]
    rows = [number for number, point in enumerate(points) if not point.is_one_of_several]
    gains = [points[number].accuracy for number in rows]
    fronts = {
        cost: [rows[place] for place in front([getattr(points[number], cost) for number in rows], gains)]
        for cost in COSTS
    }
    shown = [point.plain() for point in points]
    return {"points": shown, "costs": COSTS, "fronts": fronts, "unit": UNITS[document.unit]}


def _parts(document: Comparison) -> list[Point]:
    """The networks of rows that have several."""
    return [
        Point(
            **network.model_dump(include=set(Counts.model_fields)),
            name=network.name,
            network=network.name,
            is_one_of_several=True,
            accuracy=fmean(run.test_accuracy for run in network.runs),
            repetitions=len(network.runs),
        )
        for row in document.rows
        if row.count > 1
        for network in row.networks
        if network.runs
    ]


def _rows(document: Comparison) -> list[Point]:
    """The rows that have results."""
    return [
        Point(
            **row.model_dump(include=set(Counts.model_fields)),
            name=f"{row.network} (mean of {row.count})" if row.count > 1 else row.network,
            network=row.network,
            accuracy=row.test_accuracy,
            std=row.test_std,
            repetitions=row.repetitions(document.unit),
        )
        for row in document.rows
        if row.test_accuracy is not None
    ]
