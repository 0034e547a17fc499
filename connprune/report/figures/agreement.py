"""How far several runs agree: their final gates, what they keep, and who keeps which connection."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from connprune.analysis.agreement import Agreement
from connprune.architecture.base import HEAD, INPUT
from connprune.report.figures.connections import Link
from connprune.report.figures.header import MARGIN, header
from connprune.report.figures.labels import plain, shortened, width_of
from connprune.report.figures.matrix import Frame, draw_cells, draw_names, label_room
from connprune.report.figures.squares import TEXT, draw_square
from connprune.report.figures.style import canvas, colour_key, figure_of, written

# In inches; texts in points.
_HEADER, _TITLE, _LEAST_SIDE, _CELL = 0.62, 0.3, 2.6, 0.42
_MOST_SIDE = 14.0


def agreement_figure(agreement: Agreement, names: Sequence[str], folder: Path) -> list[Path]:
    """Correlation of the final gates, overlap of the cuts with what chance would give, and who keeps what.

    Args:
        agreement: several runs.
        names: of the runs.
        folder: where to write; it is made if it is not there.

    Returns:
        The files.
    """
    short = [plain(shortened(name)) for name in names]
    nodes = _in_order(agreement)
    side = float(np.clip(_CELL * max(len(names), len(nodes) - 1), _LEAST_SIDE, _MOST_SIDE))
    cell, vote_cell = side / len(names), side / max(1, len(nodes) - 1)
    room = 0.1 + max(width_of(name, TEXT) for name in short)
    vote_room = label_room([plain(shortened(node)) for node in nodes], vote_cell)
    correlation = agreement.mean_correlation
    titles = [
        "Correlation of the final gates" + ("" if correlation is None else f": {correlation:.2f}"),
        f"Overlap of what is kept: {agreement.mean_jaccard:.2f}",
        f"How many of {len(names)} runs keep it",
    ]
    above = max(room, vote_room)
    steps = [
        max(each + side, 1.15 * width_of(title, 9)) + 0.35
        for each, title in zip([room, room, vote_room], titles, strict=True)
    ]
    width, height = 2 * MARGIN + sum(steps) - 0.35, _HEADER + _TITLE + above + side + 0.2
    with figure_of(width, height, None) as figure:
        axes = canvas(figure)
        words = (
            f"of {len(names)} runs; Jaccard overlap by chance {agreement.mean_chance:.2f}; "
            f"threshold {agreement.threshold:g}"
        )
        header(axes, "Agreement", words, "")
        top = height - _HEADER - _TITLE - above
        lefts = [MARGIN + sum(steps[:number]) for number in range(3)]
        for left, title in zip(lefts, titles, strict=True):
            axes.text(left, height - _HEADER - 0.02, title, fontsize=9, fontweight="bold", va="top")
        for left, matrix in zip(lefts, (agreement.correlation, agreement.jaccard), strict=False):
            draw_square(axes, *_cells(matrix), short, (left + room, top), cell)
        frame = Frame(lefts[2] + vote_room, top, vote_cell, nodes)
        draw_names(axes, frame)
        links = [
            Link(connection, "open" if votes else "closed", float(votes), 0, 1, 1)
            for connection, votes in zip(agreement.connections, agreement.votes.tolist(), strict=True)
        ]
        draw_cells(
            axes,
            links,
            frame,
            lambda link: (link.gate or 0) / len(names) if link.gate else None,
            lambda link: f"{link.gate:.0f}",
        )
        colour_key(figure, width - MARGIN, height - 0.2, 1, "value, or share of the runs")
        return written(figure, folder, "agreement")


def _in_order(agreement: Agreement) -> tuple[str, ...]:
    """The nodes that the connections join, in an order in which sources come before their targets."""
    targets = dict.fromkeys(connection.target for connection in agreement.connections)
    sources = dict.fromkeys(connection.source for connection in agreement.connections)
    # Targets are in layer order. What is a source alone stands before the first target, in the sources' order.
    alone = [name for name in sources if name not in targets]
    return tuple(dict.fromkeys([*(name for name in alone if name == INPUT), *alone, *targets, HEAD]))


def _cells(matrix: Any) -> tuple[list[list[float | None]], list[list[str]]]:
    """The shade and the text of each cell; what is below 0 counts as 0, what is not defined is pale."""
    shades = [[None if np.isnan(value) else float(np.clip(value, 0, 1)) for value in row] for row in matrix]
    return shades, [["–" if np.isnan(value) else f"{value:.2f}" for value in row] for row in matrix]
