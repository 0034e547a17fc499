"""Figures, as SVG and PNG: readable in grey, in colours that colour-blind people can tell apart.

Each module draws one figure from plain data. None needs torch.
"""

from connprune.report.figures.agreement import agreement_figure
from connprune.report.figures.confusion import confusion_figure
from connprune.report.figures.costs import costs_figure
from connprune.report.figures.curves import curves_figure
from connprune.report.figures.experiments import comparison_figures, sweep_figures
from connprune.report.figures.histogram import histogram_figure
from connprune.report.figures.matrix import matrix_figure
from connprune.report.figures.paths import paths_figure
from connprune.report.figures.patterns import patterns_figure
from connprune.report.figures.profiles import profiles_figure
from connprune.report.figures.run import Drawable, drawable, run_figures
from connprune.report.figures.sweep import sweep_figure
from connprune.report.figures.wiring import wiring_figure

__all__ = [
    "Drawable",
    "agreement_figure",
    "comparison_figures",
    "confusion_figure",
    "costs_figure",
    "curves_figure",
    "drawable",
    "histogram_figure",
    "matrix_figure",
    "paths_figure",
    "patterns_figure",
    "profiles_figure",
    "run_figures",
    "sweep_figure",
    "sweep_figures",
    "wiring_figure",
]
