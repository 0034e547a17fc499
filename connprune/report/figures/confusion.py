"""Which classes are taken for which."""

from pathlib import Path

import numpy as np

from connprune.documents.evaluation import Evaluation
from connprune.report.figures.header import MARGIN, header
from connprune.report.figures.labels import plain, shortened, width_of
from connprune.report.figures.squares import TEXT, draw_square
from connprune.report.figures.style import canvas, colour_key, figure_of, written

# In inches.
_HEADER, _LEAST_SIDE, _CELL, _MOST_SIDE = 0.62, 3.6, 0.42, 14.0


def confusion_figure(document: Evaluation, folder: Path) -> list[Path]:
    """A row for each class, a column for what its images are taken for; shades are shares of the row, texts counts.

    Args:
        document: the evaluation.
        folder: where to write.

    Returns:
        The files.
    """
    names = [plain(shortened(row.name)) for row in document.classes]
    side = float(np.clip(_CELL * len(names), _LEAST_SIDE, _MOST_SIDE))
    room = 0.1 + max(width_of(name, TEXT) for name in names)
    cell = side / len(names)
    words = f"of {document.images:,} images, {document.accuracy:.1%} right; rows: the class, columns: taken for"
    width = max(2 * MARGIN + room + side, 2 * MARGIN + width_of(words, 9) + 2.6)
    height = _HEADER + room + side + 0.2
    shades = [
        [count / sum(row) if count else None for count in row] if sum(row) else [None] * len(row)
        for row in document.confusion
    ]
    with figure_of(width, height, None) as figure:
        axes = canvas(figure)
        header(axes, "Confusion", words, "")
        counts = [[f"{count:,}" if count else "" for count in row] for row in document.confusion]
        draw_square(axes, shades, counts, names, (MARGIN + room, height - _HEADER - room), cell)
        colour_key(figure, width - MARGIN, height - 0.2, 1, "share of the class")
        return written(figure, folder, "confusion")
