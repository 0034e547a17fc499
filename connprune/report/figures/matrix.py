"""The connections as a matrix: a row for each source, a column for each target."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from connprune.report.figures.connections import Connectivity, Link
from connprune.report.figures.header import KEY_BELOW_TOP, MARGIN, gate_key, header, header_height
from connprune.report.figures.labels import height_of, plain, shortened, width_of
from connprune.report.figures.looks import BACKWARD, LOOKS, shade_of, states_of
from connprune.report.figures.style import BACKWARD_SHADES, GHOST, QUIET, canvas, figure_of, on_shade, written

# All in inches; texts in points.
_LARGEST_CELL, _LARGEST_PANEL = 0.48, 12.0
_TEXT, _CELL_TEXT = 7.0, 6.0
_PALE = "#F1F1F1"


@dataclass(frozen=True)
class Frame:
    """Where a matrix of sources and targets is drawn, in inches.

    Attributes:
        left, top: of its cells.
        cell: the side of a cell.
        names: of the nodes, from the input to the head.
    """

    left: float
    top: float
    cell: float
    names: tuple[str, ...]

    @property
    def side(self) -> float:
        """Of the whole matrix: the head is no source, and the input no target."""
        return self.cell * (len(self.names) - 1)

    def corner(self, link: Link) -> tuple[float, float]:
        """The lower left corner of a connection's cell."""
        column = self.names.index(link.connection.target) - 1
        row = self.names.index(link.connection.source)
        return self.left + column * self.cell, self.top - (row + 1) * self.cell


def cell_side(nodes: int, largest: float = _LARGEST_CELL) -> float:
    """The side of a cell for so many nodes, in inches."""
    return min(largest, _LARGEST_PANEL / max(1, nodes - 1))


def label_room(names: Sequence[str], cell: float) -> float:
    """How much room the names of rows and columns need, in inches."""
    return 0.1 + max(width_of(name, _text(cell)) for name in names)


def names_of(network: Connectivity) -> tuple[str, ...]:
    """The nodes' names as they are shown."""
    return tuple(node.name for node in network.nodes)


def matrix_figure(panels: Sequence[tuple[str, Connectivity]], folder: Path, note: str = "") -> list[Path]:
    """A matrix for each network, side by side: sources from top to bottom, targets from left to right.

    Args:
        panels: a title for each network, and what to draw of it; all have the same nodes.
        folder: where to write.
        note: a sentence below the title; may be empty.

    Returns:
        The files.
    """
    names = names_of(panels[0][1])
    cell = cell_side(len(names))
    room = label_room([plain(shortened(name)) for name in names], cell)
    side = cell * (len(names) - 1)
    titles = max(1.1 * width_of(title, 9) for title, _ in panels)
    step = max(room + side, titles) + 0.35
    entries = _entries([network for _, network in panels])
    width = 2 * MARGIN + max(step * len(panels) - 0.35, sum(map(_entry_width, entries)) + 1.8)
    height = header_height(note) + 0.32 + room + side + 0.2
    with figure_of(width, height, None) as figure:
        axes = canvas(figure)
        header(axes, "Connections", "from the row's layer to the column's", note)
        _key(axes, entries)
        for number, (title, network) in enumerate(panels):
            frame = Frame(MARGIN + number * step + room, height - header_height(note) - 0.32 - room, cell, names)
            axes.text(frame.left - room, frame.top + room + 0.1, plain(title), fontsize=9, fontweight="bold")
            draw_names(axes, frame)
            _cells(axes, network, frame)
        gate_key(figure, [network for _, network in panels])
        return written(figure, folder, "connections")


def draw_names(axes: Axes, frame: Frame) -> None:
    """Writes the sources at the left and the targets on top, as many as there is room for."""
    size = _text(frame.cell)
    every = int(np.ceil(height_of(size) / frame.cell))
    for number, name in enumerate(frame.names):
        if number % every:
            continue
        text = plain(shortened(name))
        if number < len(frame.names) - 1:
            middle = frame.top - (number + 0.5) * frame.cell
            axes.text(frame.left - 0.06, middle, text, fontsize=size, ha="right", va="center")
        if number:
            middle = frame.left + (number - 0.5) * frame.cell
            axes.text(middle, frame.top + 0.06, text, fontsize=size, ha="center", va="bottom", rotation=90)


def draw_cells(
    axes: Axes, links: Sequence[Link], frame: Frame, shade: Callable[[Link], float | None], words: Callable[[Link], str]
) -> None:
    """Fills the cells of connections and writes into them, if they are large enough.

    Args:
        axes: a canvas.
        links: the connections.
        frame: where their cells are.
        shade: of a connection, from 0 to 1; None is pale.
        words: what to write into its cell.
    """
    corners = [frame.corner(link) for link in links]
    shades = [shade(link) for link in links]
    cells = PatchCollection(
        [Rectangle(corner, frame.cell, frame.cell) for corner in corners],
        facecolors=[
            _PALE if value is None else shade_of(link)(value) for link, value in zip(links, shades, strict=True)
        ],
        edgecolors="white",
        linewidths=min(1.0, 4 * frame.cell),
    )
    axes.add_collection(cells, autolim=False)
    for link, (left, bottom), value in zip(links, corners, shades, strict=True):
        text = words(link)
        size = min(_CELL_TEXT, _CELL_TEXT * 0.9 * frame.cell / max(width_of(text, _CELL_TEXT), 0.01))
        if text and size >= 4:
            middle = (left + frame.cell / 2, bottom + frame.cell / 2)
            colour = QUIET if value is None else on_shade(shade_of(link)(value))
            axes.text(*middle, text, fontsize=size, color=colour, ha="center", va="center")


def _cells(axes: Axes, network: Connectivity, frame: Frame) -> None:
    def shade(link: Link) -> float | None:
        return None if link.gate is None or link.is_ghost else link.gate / network.largest

    def words(link: Link) -> str:
        if link.gate is None:
            return LOOKS[link.state].mark
        if network.per_feature_map:
            return f"{link.open_maps}/{link.maps}"
        return f"{link.gate:.{3 if link.is_ghost else 2}f}"

    draw_cells(axes, network.links, frame, shade, words)


def _entries(panels: Sequence[Connectivity]) -> list[tuple[str, str]]:
    """What the key explains: marks, and in words what they mean."""
    entries = [(look.mark, look.words.format(threshold=panels[-1].threshold)) for _, look in states_of(panels)]
    if any(network.per_feature_map for network in panels):
        entries.append(("3/8", "feature maps open"))
    if any(network.leads_backward for network in panels):
        entries.append(("", BACKWARD))
    return entries


def _box_width(mark: str) -> float:
    return max(0.17, width_of(mark, _CELL_TEXT) + 0.06)


def _entry_width(entry: tuple[str, str]) -> float:
    mark, text = entry
    return _box_width(mark) + 0.07 + width_of(text, 7.5) + 0.3


def _key(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    top, at = axes.get_ylim()[1] - KEY_BELOW_TOP, MARGIN
    for mark, text in entries:
        width = _box_width(mark)
        colour = BACKWARD_SHADES(0.5) if text == BACKWARD else _PALE
        axes.add_patch(Rectangle((at, top - 0.085), width, 0.17, facecolor=colour, edgecolor=GHOST, linewidth=0.5))
        axes.text(at + width / 2, top, mark, fontsize=_CELL_TEXT, color=QUIET, ha="center", va="center")
        axes.text(at + width + 0.07, top, text, fontsize=7.5, va="center")
        at += _entry_width((mark, text))


def _text(cell: float) -> float:
    return float(np.clip(cell * 72 / 1.2, 3.5, _TEXT))
