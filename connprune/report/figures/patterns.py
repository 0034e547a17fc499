"""Which connection patterns recur: the share of each that is kept, and what chance gives."""

from pathlib import Path

from connprune.documents.patterns import Patterns
from connprune.report.figures.labels import plain, shortened
from connprune.report.figures.style import COLOURS, FAINT, QUIET, figure_of, written

# Of more patterns those are drawn whose share is farthest from chance.
MOST = 30
_ROW = 0.2


def patterns_figure(document: Patterns, folder: Path) -> list[Path]:
    """A dot for each pattern at the share that is kept, on a bar that holds 95% of what chance gives.

    Args:
        document: the patterns.
        folder: where to write; it is made if it is not there.

    Returns:
        The files.
    """
    farthest = sorted(document.rows, key=lambda row: -abs(row.kept - row.chance) / row.possible)[:MOST]
    rows = sorted(farthest, key=lambda row: (row.kept - row.chance) / row.possible)
    with figure_of(6.4, 1.1 + _ROW * len(rows)) as figure:
        axes = figure.subplots()
        for place, row in enumerate(rows):
            low, high, chance, kept = (
                100 * count / row.possible for count in (row.chance_low, row.chance_high, row.chance, row.kept)
            )
            axes.hlines(place, low, high, color=FAINT, linewidth=6)
            axes.plot(chance, place, "|", color=QUIET, markersize=7)
            colour, fill = COLOURS[0], "full" if row.verdict != "as chance" else "none"
            axes.plot(kept, place, "o", color=colour, fillstyle=fill, markersize=5)
        labels = [f"{row.source} to {row.target}, {row.distance}" for row in rows]
        axes.set_yticks(range(len(rows)), [plain(shortened(label, 36)) for label in labels], fontsize=7)
        axes.set_ylim(-0.8, len(rows) - 0.2)
        axes.set_xlim(-3, 103)
        axes.set_xlabel("connections of this pattern that are kept (%)")
        cuts = f"{len(document.runs)} {'cut' if len(document.runs) == 1 else 'cuts'}"
        axes.set_title(f"Patterns in {cuts}: bars hold 95% of chance; full dots lie outside", loc="left")
        return written(figure, folder, "patterns")
