"""The gates of single feature maps, sorted, in a cell for each connection."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from connprune.architecture.architecture import Connection
from connprune.report.figures.connections import Connectivity, final_magnitudes
from connprune.report.figures.header import KEY_BELOW_TOP, MARGIN, header, header_height
from connprune.report.figures.labels import height_of, plain, shortened, width_of
from connprune.report.figures.matrix import Frame, cell_side, draw_names, label_room, names_of
from connprune.report.figures.style import COLOURS, QUIET, canvas, figure_of, written
from connprune.runs.gate_history import GateHistory

# In inches; texts in points.
_CELL, _LEAST_WIDTH, _GAP = 0.62, 6.4, 0.05
_TEXT = 5.5


def profiles_figure(network: Connectivity, history: GateHistory, name: str, folder: Path) -> list[Path]:
    """A matrix whose cells show a connection's gates by magnitude, from the most open feature map to the least.

    The height of a cell is the largest magnitude of all, or 1 if that is more; the part that is open is filled.

    Args:
        network: the network.
        history: its gates, some of them for single feature maps.
        name: of the run.
        folder: where to write.

    Returns:
        The files.
    """
    names = names_of(network)
    cell = cell_side(len(names), _CELL)
    room = label_room([plain(shortened(each)) for each in names], cell)
    side = cell * (len(names) - 1)
    width = max(_LEAST_WIDTH, 2 * MARGIN + room + side)
    height = header_height("") + 0.1 + room + side + 0.2
    with figure_of(width, height, None) as figure:
        axes = canvas(figure)
        header(axes, "Gates of the feature maps", plain(f"{shortened(name, 30)}: each connection's, sorted"), "")
        frame = Frame(MARGIN + room, height - header_height("") - 0.1 - room, cell, names)
        draw_names(axes, frame)
        sorted_gates = profiles(history)
        largest = max([1.0, *(float(each[0]) for each in sorted_gates.values())])
        steps, boxes = [], []
        gap = _GAP * cell / _CELL
        # Above the bars, if there is room, stands how many are open.
        widest = max(width_of(f"{link.open_maps}/{link.maps}", _TEXT) for link in network.links)
        above = height_of(_TEXT) if widest < cell else 0.0
        wide, high = cell - 2 * gap, cell - 2 * gap - above
        style: dict[str, Any] = {"fontsize": _TEXT, "color": QUIET, "ha": "center", "va": "center"}
        for link in network.links:
            if link.connection not in sorted_gates:
                continue
            left, bottom = frame.corner(link)
            values = sorted_gates[link.connection]
            corner = (left + gap, bottom + gap)
            boxes.append(Rectangle(corner, wide, high))
            steps.append(_steps(values / largest, corner, wide, high))
            text = f"{link.open_maps}/{link.maps}"
            if above:
                axes.text(left + cell / 2, corner[1] + high + above / 2, text, **style)
        for box in boxes:
            box.set(facecolor="#F1F1F1", edgecolor="none")
            axes.add_patch(box)
        axes.add_collection(PolyCollection(steps, facecolors=COLOURS[0], edgecolors="none"), autolim=False)
        top = height - KEY_BELOW_TOP
        words = f"height of a cell: {largest:.3g}; 3/8: of 8 feature maps 3 are open, {network.threshold:g} or more"
        axes.text(MARGIN, top, words, fontsize=7.5, color=QUIET, va="center")
        return written(figure, folder, "profiles")


def profiles(history: GateHistory) -> dict[Connection, NDArray[np.float64]]:
    """For each connection the magnitudes of its gates at the end, the largest first."""
    return {connection: np.sort(gates)[::-1] for connection, gates in final_magnitudes(history).items()}


def _steps(
    heights: NDArray[np.float64], corner: tuple[float, float], wide: float, high: float
) -> list[tuple[float, float]]:
    """The outline of bars side by side over the whole width of a cell."""
    left, bottom = corner
    edges = left + wide * np.linspace(0, 1, len(heights) + 1)
    top = bottom + high * heights
    outline = [(left, bottom)]
    for start, end, at in zip(edges, edges[1:], top, strict=False):
        outline += [(float(start), float(at)), (float(end), float(at))]
    return [*outline, (left + wide, bottom)]
