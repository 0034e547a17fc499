"""The path of every gate over the epochs, a panel a merge: the blog post's Figure 3."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from connprune.analysis.agreement import Agreement
from connprune.report.figures.header import MARGIN, header
from connprune.report.figures.labels import apart, height_of, plain, shortened, width_of
from connprune.report.figures.style import COLOURS, STYLES, canvas, figure_of, inset, written

# All in inches; texts in points.
_HEADER, _LEFT, _PANEL_WIDTH, _PANEL_HEIGHTS, _ABOVE, _BELOW = 0.42, 0.3, 2.1, (1.6, 4.4), 0.28, 0.36
_LEADER = 0.16
_TEXT = 6.5
# More panels than this nobody reads, and they would take minutes.
MOST_PANELS = 60


def paths_figure(agreement: Agreement, names: Sequence[str], folder: Path) -> list[Path]:
    """A panel for each merge with the gate of each of its connections over the epochs.

    Of several runs the line is the mean, and the band goes from the smallest to the largest.

    Args:
        agreement: one run or more.
        names: of the runs.
        folder: where to write; it is made if it is not there.

    Returns:
        The files.
    """
    every: dict[str, list[int]] = {}
    for number, connection in enumerate(agreement.connections):
        every.setdefault(connection.target, []).append(number)
    targets = dict(list(every.items())[:MOST_PANELS])
    columns = columns_for(len(targets))
    rows = ceil(len(targets) / columns)
    length = min(len(path) for path in agreement.paths)
    paths = np.nan_to_num(np.stack([path[:length] for path in agreement.paths]))
    labels = [plain(shortened(connection.source)) for connection in agreement.connections]
    gutter = _LEADER + max(width_of(text, _TEXT) for text in labels) + 0.1
    low, high = _PANEL_HEIGHTS
    tall = float(np.clip(max(map(len, targets.values())) * height_of(_TEXT) * 1.05, low, high))
    across, down = _LEFT + _PANEL_WIDTH + gutter, _ABOVE + tall + _BELOW
    width = max(5.2, 2 * MARGIN + columns * across)
    height = _HEADER + rows * down + 0.12
    largest = max(1.0, float(paths.max()))
    with figure_of(width, height, None) as figure:
        top = canvas(figure)
        header(top, "Gates over training", _words(agreement, names, len(targets), len(every)), "")
        for place, (target, numbers) in enumerate(targets.items()):
            row, column = divmod(place, columns)
            left, bottom = 1.4 * MARGIN + column * across + _LEFT, height - _HEADER - row * down - _ABOVE - tall
            axes = inset(figure, left, bottom, _PANEL_WIDTH, tall)
            axes.set_ylim(-0.03 * largest, 1.03 * largest)
            axes.set_xlim(0, max(1, length - 1))
            axes.axhline(agreement.threshold, color="0.6", linewidth=0.8)
            for turn, number in enumerate(numbers):
                _band(axes, paths[:, :, number], turn)
            _direct_labels(axes, tall, [labels[number] for number in numbers], paths[:, -1, numbers].mean(0))
            axes.set_title(f"into {plain(shortened(target, 24))}")
            axes.locator_params(axis="x", integer=True, nbins=6)
            axes.tick_params(labelsize=8, labelleft=column == 0)
            if column == 0:
                axes.set_ylabel("gate, by magnitude")
            if place + columns >= len(targets):
                axes.set_xlabel("epoch")
        return written(figure, folder, "gates")


def columns_for(panels: int) -> int:
    """How many panels stand side by side: as many as leave the fewest places of the last row empty."""
    if panels <= 3:
        return panels
    return min((4, 3) if panels > 6 else (3, 2), key=lambda columns: -panels % columns)


def label_places(final: Sequence[float], tall: float, low: float, high: float) -> list[tuple[int, float]]:
    """Which lines get a label and where, in the units of the gates: none overlaps another or leaves the panel.

    Where there is no room for all, those of the most open gates are shown.

    Args:
        final: where the lines end.
        tall: the height of the panel, in inches.
        low: the lower end of the panel's axis.
        high: its upper end.
    """
    unit = (high - low) / tall
    gap = height_of(_TEXT) * unit
    room = max(1, int((high - low) / gap))
    chosen = sorted(np.argsort(final, kind="stable")[-room:].tolist())
    half = gap / 2
    heights = apart([float(final[number]) for number in chosen], gap, low + half, high - half)
    return list(zip(chosen, heights.tolist(), strict=True))


def _words(agreement: Agreement, names: Sequence[str], shown: int, merges: int) -> str:
    of = shortened(names[0], 40) if len(names) == 1 else f"{len(names)} runs: mean, smallest and largest"
    some = "" if shown == merges else f", the first {shown} of {merges} merges"
    return plain(f"{of}{some}; the grey line is the threshold {agreement.threshold:g}")


def _band(axes: Axes, paths: Any, turn: int) -> None:
    """One connection: (runs, epochs + 1)."""
    colour, style = COLOURS[turn % len(COLOURS)], STYLES[turn // len(COLOURS) % len(STYLES)]
    epochs = np.arange(paths.shape[1])
    # Before the first epoch has ended there is a point, not a line.
    mark = "o" if len(epochs) == 1 else ""
    axes.plot(epochs, paths.mean(0), color=colour, linestyle=style, linewidth=1.2, marker=mark, clip_on=False)
    if len(paths) > 1:
        axes.fill_between(epochs, paths.min(0), paths.max(0), color=colour, alpha=0.15, linewidth=0)


def _direct_labels(axes: Axes, tall: float, labels: Sequence[str], final: Sequence[float]) -> None:
    """Names at the ends of the lines, and where they were moved, what leads to them."""
    low, high = axes.get_ylim()
    step = _LEADER / _PANEL_WIDTH
    for turn, height in label_places(final, tall, low, high):
        colour = COLOURS[turn % len(COLOURS)]
        axes.plot(
            [1.005, 1 + step * 0.75],
            [final[turn], height],
            color=colour,
            linewidth=0.5,
            alpha=0.7,
            transform=axes.get_yaxis_transform(),
            clip_on=False,
        )
        axes.text(
            1 + step,
            height,
            labels[turn],
            color=_legible(colour),
            fontsize=_TEXT,
            va="center",
            transform=axes.get_yaxis_transform(),
        )


def _legible(colour: str) -> str:
    """A darker shade of a colour that is too pale for text on white."""
    return {"#E69F00": "#B07A00", "#56B4E9": "#2F86B7", "#CC79A7": "#B0588A", "#8C8C00": "#757500"}.get(colour, colour)
