"""What a training went like: loss, accuracy, the rates, λ, and how many gates are closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes

from connprune.documents.epoch import EpochMetrics
from connprune.report.figures.header import MARGIN, header
from connprune.report.figures.labels import plain, shortened
from connprune.report.figures.style import COLOURS, canvas, figure_of, inset, is_logarithmic, written

# In inches.
_WIDTH, _HEIGHT, _HEADER, _LEFT, _BELOW = 8.6, 1.8, 0.42, 0.58, 0.5


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    Attributes:
        title: of the panel.
        lines: for each attribute of an epoch what it is called.
        scale: what values are multiplied with.
        logarithmic: whether the scale is, where all values are positive and far apart.
        from_zero: whether the scale begins there, if it is not logarithmic.
        whole: whether only whole numbers are marked.
    """

    title: str
    lines: Mapping[str, str]
    scale: float = 1.0
    logarithmic: bool = False
    from_zero: bool = False
    whole: bool = False


PANELS = (
    Panel("loss", {"train_loss": "training", "validation_loss": "validation"}, logarithmic=True),
    Panel("accuracy (%)", {"train_accuracy": "training", "validation_accuracy": "validation"}, scale=100),
    Panel("learning rate", {"rate": "weights", "gate_rate": "gates"}, logarithmic=True, from_zero=True),
    Panel("λ, the weight of the penalty", {"penalty": "λ"}, from_zero=True),
    Panel("gates closed", {"gates_closed": "gates closed"}, from_zero=True, whole=True),
)


def curves_figure(epochs: Sequence[EpochMetrics], name: str, folder: Path, best: int | None = None) -> list[Path]:
    """A panel for each measure that was recorded.

    Args:
        epochs: at least one.
        name: of the run.
        folder: where to write.
        best: the epoch with the lowest validation loss, if it is to be marked.

    Returns:
        The files.
    """
    shown = [(panel, _there(panel, epochs)) for panel in PANELS]
    shown = [(panel, keys) for panel, keys in shown if keys]
    rows = [shown[:2], shown[2:]] if len(shown) > 3 else [shown]
    down = 0.3 + _HEIGHT + _BELOW
    height = _HEADER + len(rows) * down
    with figure_of(_WIDTH, height, None) as figure:
        marked = f"; dotted: the lowest validation loss, epoch {best}" if best is not None else ""
        header(canvas(figure), "Training", plain(f"{shortened(name, 40)}, by epoch{marked}"), "")
        for number, row in enumerate(rows):
            across = (_WIDTH - MARGIN) / len(row)
            bottom = height - _HEADER - number * down - 0.3 - _HEIGHT
            for column, (panel, keys) in enumerate(row):
                axes = inset(figure, MARGIN / 2 + column * across + _LEFT, bottom, across - _LEFT - 0.15, _HEIGHT)
                _draw(axes, panel, keys, epochs)
                axes.set_xlabel("epoch")
                if best is not None:
                    axes.axvline(best, color="0.5", linewidth=0.8, linestyle=":")
        return written(figure, folder, "training")


def _there(panel: Panel, epochs: Sequence[EpochMetrics]) -> list[str]:
    """The panel's measures that some epoch has."""
    return [key for key in panel.lines if any(getattr(epoch, key) is not None for epoch in epochs)]


def _draw(axes: Axes, panel: Panel, keys: Sequence[str], epochs: Sequence[EpochMetrics]) -> None:
    smallest, largest = float("inf"), float("-inf")
    for number, key in enumerate(keys):
        values = [(epoch.epoch, getattr(epoch, key)) for epoch in epochs]
        points = [(epoch, value * panel.scale) for epoch, value in values if value is not None]
        smallest = min(smallest, *(value for _, value in points))
        largest = max(largest, *(value for _, value in points))
        axes.plot(
            [epoch for epoch, _ in points],
            [value for _, value in points],
            color=COLOURS[number],
            linestyle=("-", "--")[number % 2],
            linewidth=1.3,
            marker="o" if len(points) == 1 else "",
            markersize=4,
            label=panel.lines[key],
        )
    is_log = panel.logarithmic and is_logarithmic([smallest, largest])
    if is_log:
        axes.set_yscale("log")
    elif panel.from_zero:
        top = largest or 1.0
        # A line at 0 lies above the axis.
        axes.set_ylim(-0.04 * top, 1.06 * top)
        axes.locator_params(axis="y", nbins=5, integer=panel.whole)
    axes.set_title(f"{panel.title}, logarithmic" if is_log else panel.title)
    axes.tick_params(labelsize=8)
    axes.tick_params(labelsize=7, which="minor")
    axes.locator_params(axis="x", integer=True, nbins=6)
    if len(keys) > 1:
        axes.legend(fontsize=7, handlelength=1.8, loc="best")
