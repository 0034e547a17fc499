"""What stands above the drawings of a wiring: a title, what is drawn, and what the shades mean."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from connprune.report.figures.connections import Connectivity
from connprune.report.figures.labels import plain, width_of
from connprune.report.figures.style import QUIET, colour_key

# In inches.
MARGIN = 0.25
# The middle of the key's line.
KEY_BELOW_TOP = 0.49


def header_height(note: str) -> float:
    """How high it is, in inches."""
    return 0.78 if note else 0.62


def header(axes: Axes, title: str, words: str, note: str) -> None:
    """Writes title, what is drawn, and below the key a note, which may be empty."""
    top = axes.get_ylim()[1]
    axes.text(MARGIN, top - 0.14, title, fontsize=11, fontweight="bold", va="top")
    # Bold letters are wider.
    beside = MARGIN + 1.15 * width_of(title, 11) + 0.12
    axes.text(beside, top - 0.175, words, fontsize=7.5, color=QUIET, va="top")
    if note:
        axes.text(MARGIN, top - 0.64, plain(note), fontsize=7.5, color=QUIET, va="top")


def gate_key(figure: Figure, panels: Sequence[Connectivity]) -> None:
    """What the shades mean, at the upper right, if some gate is known."""
    known = [network for network in panels if any(link.gate is not None for link in network.links)]
    if known:
        of = "mean gate of the feature maps" if known[0].per_feature_map else "gate, by magnitude"
        width, height = figure.get_size_inches()
        colour_key(figure, width - MARGIN, height - 0.2, max(network.largest for network in known), of)
