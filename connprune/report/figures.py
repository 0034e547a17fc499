"""Figures, as SVG and PNG: readable in grey, in colours that colour-blind people can tell apart."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from connprune.analysis.agreement import Agreement
from connprune.architecture.architecture import Connection

# Okabe and Ito's palette (2008), in an order in which neighbours also differ in grey, and a line style for each turn.
COLOURS = ("#0072B2", "#E69F00", "#000000", "#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#8C8C00")
_STYLES = ("-", "--", ":", "-.")
_FORMATS = ("svg", "png")
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "svg.hashsalt": "connprune",
    "svg.fonttype": "none",
}


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained", dpi=150)


def paths_figure(found: Agreement, names: Sequence[str], folder: Path) -> list[Path]:
    """A panel for each merge with the gate of each of its connections over the epochs (the post's Figure 3).

    Of several runs the line is the mean, and the band goes from the smallest to the largest.

    Args:
        found: one run or more.
        names: of the runs.
        folder: where to write; it is made if it is not there.

    Returns:
        The files.
    """
    targets: dict[str, list[int]] = {}
    for number, connection in enumerate(found.connections):
        targets.setdefault(connection.target, []).append(number)
    columns = min(3, len(targets))
    rows = ceil(len(targets) / columns)
    length = min(len(path) for path in found.paths)
    paths = np.stack([path[:length] for path in found.paths])
    with _figure(3.6 * columns, 2.5 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axes, (target, numbers) in zip(grid, targets.items(), strict=False):
            axes.axhline(found.threshold, color="0.6", linewidth=0.8)
            for place, number in enumerate(numbers):
                _band(axes, paths[:, :, number], place)
            _direct_labels(axes, found.connections, numbers, paths[:, -1].mean(0))
            axes.set_title(f"into {target}")
            axes.set_ylim(-0.03, max(1.03, float(paths.max()) * 1.03))
        for axes in grid[len(targets) :]:
            axes.set_visible(False)
        for axes in grid[max(0, len(targets) - columns) : len(targets)]:
            axes.set_xlabel("epoch")
            axes.xaxis.set_tick_params(labelbottom=True)
        for axes in grid[::columns]:
            axes.set_ylabel("gate")
        of = names[0] if len(names) == 1 else f"{len(names)} runs: mean, smallest and largest"
        figure.suptitle(f"Gates over training, {of}; the grey line is the threshold {found.threshold:g}")
        return _written(figure, folder, "gates")


def agreement_figure(found: Agreement, names: Sequence[str], folder: Path) -> list[Path]:
    """Correlation of the final gates, overlap of the cuts with what chance would give, and who keeps what."""
    short = [name if len(name) <= 16 else f"…{name[-15:]}" for name in names]
    width = 2.2 + 0.55 * len(names)
    with _figure(2 * width + 3.2, max(3.4, width + 0.4, 0.16 * len(found.connections) + 1)) as figure:
        first, second, third = figure.subplots(1, 3, width_ratios=[width, width, 2.6])
        _heat(first, found.correlation, short, "correlation of the final gates", -1)
        _heat(second, found.jaccard, short, f"Jaccard overlap of what is kept (chance {found.mean_chance:.2f})", 0)
        order = np.argsort(found.votes, kind="stable")
        third.barh(range(len(order)), found.votes[order], color=COLOURS[0])
        third.set_yticks(range(len(order)), [str(found.connections[number]) for number in order], fontsize=6)
        third.set_xticks(range(len(names) + 1))
        third.set_ylim(-0.6, len(order) - 0.4)
        third.set_title("runs that keep it")
        return _written(figure, folder, "agreement")


def sweep_figure(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """A panel for each axis: every training's test accuracy, and the mean of each label; below, the gates closed."""
    axes_of = {axis: [label["label"] for label in labels] for axis, labels in document["axes"].items()}
    gated = any(row["gates_closed"] is not None for row in document["rows"])
    rows = 2 if gated else 1
    widths = [max(2.4, 0.75 * len(labels) + 0.8) for labels in axes_of.values()]
    with _figure(sum(widths) + 0.6, 2.7 * rows) as figure:
        grid = figure.subplots(rows, len(axes_of), squeeze=False, sharey="row", width_ratios=widths)
        for column, (axis, labels) in enumerate(axes_of.items()):
            _strip(grid[0][column], document["rows"], axis, labels, "test_accuracy", 100)
            grid[0][column].set_title(axis)
            if gated:
                _strip(grid[1][column], document["rows"], axis, labels, "gates_closed", 1)
        grid[0][0].set_ylabel("test accuracy (%)")
        if gated:
            grid[1][0].set_ylabel("gates closed")
        return _written(figure, folder, "sweep")


def _band(axes: Axes, paths: Any, place: int) -> None:
    """One connection: (runs, epochs + 1)."""
    colour, style = COLOURS[place % len(COLOURS)], _STYLES[place // len(COLOURS) % len(_STYLES)]
    epochs = np.arange(paths.shape[1])
    axes.plot(epochs, paths.mean(0), color=colour, linestyle=style, linewidth=1.2)
    if len(paths) > 1:
        axes.fill_between(epochs, paths.min(0), paths.max(0), color=colour, alpha=0.15, linewidth=0)


def _direct_labels(axes: Axes, connections: Sequence[Connection], numbers: Sequence[int], final: Any) -> None:
    """Names at the ends of the lines, moved apart where they would overlap."""
    low, height = -0.06, 0.085
    right = 1.01
    for number in sorted(numbers, key=lambda number: float(final[number])):
        at = max(float(final[number]), low + height)
        low = at
        place = list(numbers).index(number)
        axes.annotate(
            connections[number].source,
            (right, at),
            xycoords=("axes fraction", "data"),
            color=COLOURS[place % len(COLOURS)],
            fontsize=6.5,
            va="center",
        )


def _heat(axes: Axes, matrix: Any, names: Sequence[str], title: str, low: float) -> None:
    axes.imshow(matrix, vmin=low, vmax=1, cmap="cividis")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    for (row, column), value in np.ndenumerate(matrix):
        dark = (value - low) / (1 - low) < 0.6
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color="w" if dark else "k")
    axes.set_title(title)


def _strip(
    axes: Axes, rows: Sequence[Mapping[str, Any]], axis: str, labels: Sequence[str], key: str, scale: int
) -> None:
    """Each training as a dot, each label's mean as a bar."""
    for place, label in enumerate(labels):
        values = [
            run[key] * scale
            for row in rows
            if row["cell"][axis] == label
            for run in row["runs"]
            if run[key] is not None
        ]
        if not values:
            continue
        shifts = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else np.zeros(1)
        axes.plot(place + shifts, values, ".", color=COLOURS[0], alpha=0.5, markersize=5)
        axes.hlines(np.mean(values), place - 0.3, place + 0.3, color=COLOURS[4], linewidth=2)
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    axes.set_xlim(-0.5, len(labels) - 0.5)


def _written(figure: Figure, folder: Path, name: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{extension}" for extension in _FORMATS]
    for path in paths:
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(path, metadata=metadata)
    return paths
