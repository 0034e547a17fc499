"""A square matrix of names by names: shaded cells with a text in each."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from connprune.report.figures.labels import height_of, width_of
from connprune.report.figures.style import SHADES, on_shade

# Texts in points.
TEXT = 7.0
_LARGEST, _LEAST = 8.0, 4.0
_PALE = "#F1F1F1"


def draw_square(
    axes: Axes,
    shades: Sequence[Sequence[float | None]],
    words: Sequence[Sequence[str]],
    names: Sequence[str],
    corner: tuple[float, float],
    cell: float,
) -> None:
    """Draws a matrix with the names at its left and on top, as many as there is room for.

    Args:
        axes: a canvas.
        shades: of each cell, row by row, from 0 to 1; None is pale.
        words: what to write into each, where it is large enough.
        names: of the rows, and of the columns.
        corner: the upper left corner of the first cell, in inches.
        cell: the side of a cell, in inches.
    """
    left, top = corner
    numbered = [(row, column, shade) for row, several in enumerate(shades) for column, shade in enumerate(several)]
    boxes = [Rectangle((left + column * cell, top - (row + 1) * cell), cell, cell) for row, column, _ in numbered]
    axes.add_collection(
        PatchCollection(
            boxes,
            facecolors=[_PALE if shade is None else SHADES(shade) for *_, shade in numbered],
            edgecolors="white",
            linewidths=min(1.0, 4 * cell),
        ),
        autolim=False,
    )
    for row, column, shade in numbered:
        text = words[row][column]
        size = min(_LARGEST, _LARGEST * 0.8 * cell / max(width_of(text, _LARGEST), 0.01))
        if text and size >= _LEAST:
            middle = (left + (column + 0.5) * cell, top - (row + 0.5) * cell)
            colour = "black" if shade is None else on_shade(SHADES(shade))
            axes.text(*middle, text, fontsize=size, color=colour, ha="center", va="center")
    size = min(TEXT, cell * 72 / 1.2)
    every = int(np.ceil(height_of(size) / cell)) if size > 3.5 else int(np.ceil(height_of(TEXT) / cell))
    for number, name in enumerate(names):
        if number % every == 0:
            size = max(size, 3.5)
            axes.text(left - 0.06, top - (number + 0.5) * cell, name, fontsize=size, ha="right", va="center")
            across = left + (number + 0.5) * cell
            axes.text(across, top + 0.06, name, fontsize=size, ha="center", va="bottom", rotation=90)
