"""Every figure that there is to draw of a comparison or of a sweep."""

from pathlib import Path

from connprune.documents.comparison import UNITS, Comparison
from connprune.documents.sweep import Sweep
from connprune.report.figures.costs import costs_figure
from connprune.report.figures.networks import differ, of_comparison, of_sweep
from connprune.report.figures.sweep import sweep_figure


def comparison_figures(document: Comparison, folder: Path) -> list[Path]:
    """Draws accuracy against costs, and by how much the cut is better than each baseline.

    Args:
        document: the comparison.
        folder: where to write; it is made if it is not there.

    Returns:
        The files.
    """
    differences = [
        (row.network, row.difference.mean, row.difference.low, row.difference.high)
        for row in document.rows
        if row.difference
    ]
    networks, ours = of_comparison(document), document.rows[0].network
    return costs_figure(networks, folder, "comparison", "Comparison", ours, differences, UNITS[document.unit])


def sweep_figures(document: Sweep, folder: Path) -> list[Path]:
    """Draws what each axis does and, if the cells cost different amounts, accuracy against costs.

    Args:
        document: the sweep.
        folder: where to write; it is made if it is not there.

    Returns:
        The files.
    """
    written = sweep_figure(document, folder)
    networks = of_sweep(document)
    if differ(networks):
        written += costs_figure(networks, folder, "sweep-costs", "Sweep")
    return written
