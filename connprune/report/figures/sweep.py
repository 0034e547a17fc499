"""What each axis of a sweep does."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from connprune.documents.sweep import Cell, CellTraining, Sweep
from connprune.report.figures.labels import plain, shortened
from connprune.report.figures.style import COLOURS, figure_of, written


def sweep_figure(document: Sweep, folder: Path) -> list[Path]:
    """A panel for each axis: every training's test accuracy, and the mean of each label; below, the gates closed.

    Args:
        document: the sweep.
        folder: where to write; it is made if it is not there.

    Returns:
        The files.
    """
    axes_of = {axis: [label.label for label in labels] for axis, labels in document.axes.items()}
    gated = any(row.gates_closed is not None for row in document.rows)
    rows = 2 if gated else 1
    widths = [max(2.6, 0.75 * len(labels) + 0.8) for labels in axes_of.values()]
    with figure_of(max(3.6, sum(widths) + 0.6), 0.5 + 2.5 * rows) as figure:
        grid = figure.subplots(rows, len(axes_of), squeeze=False, sharey="row", sharex="col", width_ratios=widths)
        for column, (axis, labels) in enumerate(axes_of.items()):
            _strip(grid[0][column], document.rows, axis, labels, lambda run: 100 * run.test_accuracy)
            grid[0][column].set_title(plain(shortened(axis, 32)))
            if gated:
                _strip(grid[1][column], document.rows, axis, labels, lambda run: run.gates_closed)
                grid[1][column].locator_params(axis="y", integer=True)
        grid[0][0].set_ylabel("test accuracy (%)")
        if gated:
            most = max(run.gates_closed or 0 for row in document.rows for run in row.runs) or 1
            grid[1][0].set_ylim(-0.06 * most, 1.08 * most)
            grid[1][0].set_ylabel("gates closed")
        figure.suptitle("A dot for each training, a bar for their mean", fontsize=9)
        return written(figure, folder, "sweep")


def _strip(
    axes: Axes,
    rows: Sequence[Cell],
    axis: str,
    labels: Sequence[str],
    measure: Callable[[CellTraining], float | None],
) -> None:
    """Each training as a dot, each label's mean as a bar."""
    for number, label in enumerate(labels):
        values = [
            value for row in rows if row.cell[axis] == label for run in row.runs if (value := measure(run)) is not None
        ]
        if not values:
            continue
        shifts = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else np.zeros(1)
        axes.hlines(np.mean(values), number - 0.3, number + 0.3, color=COLOURS[4], linewidth=2)
        axes.plot(number + shifts, values, ".", color=COLOURS[0], alpha=0.6, markersize=6, markeredgewidth=0)
    axes.set_xticks(range(len(labels)), [plain(shortened(label, 24)) for label in labels], rotation=30, ha="right")
    axes.set_xlim(-0.5, len(labels) - 0.5)
