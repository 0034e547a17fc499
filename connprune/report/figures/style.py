"""What all figures share: colours that colour-blind people can tell apart, and shades that serve in grey too."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from connprune.files import write_whole

# Okabe and Ito's palette (2008), in an order in which neighbours also differ in grey, and a line style for each turn.
COLOURS = ("#0072B2", "#E69F00", "#000000", "#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#8C8C00")
STYLES = ("-", "--", ":", "-.")
INK = "#262626"
QUIET = "#6E6E6E"
GHOST = "#BDBDBD"
# Of what is closed or gone: there, and not in the way.
FAINT = "#D6D6D6"
# One hue from pale to dark, with the ends of the page's light scale: told apart without colour vision, and in grey.
SHADES = LinearSegmentedColormap.from_list("shades", ["#C3D0DC", "#6C93B8", "#00224E"])

# Of backward connections: another hue, as dark where it stands for as much.
BACKWARD_SHADES = LinearSegmentedColormap.from_list("backward", ["#E6CDB8", "#C98243", "#5A2600"])

_FORMATS = ("svg", "png")
_DOTS_PER_INCH = 150
# What a PNG may have: along one side, which the renderer limits, and in all, which memory does.
_MOST_DOTS, _MOST_DOTS_IN_ALL = 30_000, 60_000_000
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "svg.hashsalt": "connprune",
    "svg.fonttype": "none",
}


@contextmanager
def figure_of(width: float, height: float, layout: Any = "constrained") -> Iterator[Figure]:
    """A figure of this size in inches, in the common style."""
    # From matplotlib's own defaults on, so that a user's settings for other work change no figure here.
    with style.context(["default", _STYLE]):
        yield Figure(figsize=(width, height), layout=layout, dpi=_DOTS_PER_INCH)


def canvas(figure: Figure) -> Axes:
    """One plain area over the whole figure whose coordinates are inches from its lower left corner."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_axis_off()
    return axes


def inset(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at this place of the figure, all in inches."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def colour_key(figure: Figure, right: float, top: float, largest: float, label: str) -> None:
    """A bar that tells what the shades stand for, from 0 to the largest; its upper right corner is given in inches."""
    axes = inset(figure, right - 1.7, top - 0.27, 1.7, 0.11)
    bar = figure.colorbar(ScalarMappable(Normalize(0, largest), SHADES), cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_ticks([0, largest / 2, largest], labels=[f"{value:.3g}" for value in (0, largest / 2, largest)])
    axes.tick_params(labelsize=6.5, length=2, pad=1.5)
    axes.set_title(label, fontsize=7, fontweight="normal", loc="right", pad=3)


def is_logarithmic(values: Collection[float]) -> bool:
    """Whether the axis of these is, which its label then says: all are positive and they are far apart."""
    return 0 < 5 * min(values) < max(values)


def on_shade(colour: Sequence[float]) -> str:
    """The colour of text on a shade, red, green and blue: the one that differs more from it in brightness."""
    red, green, blue = (channel**2.2 for channel in colour[:3])
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18 else "black"


def written(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Writes a figure as SVG and as PNG, each whole or not at all.

    Args:
        figure: the figure.
        folder: where to; it is made if it is not there.
        name: of the files, without extension.

    Raises:
        OSError: it could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    width, height = figure.get_size_inches()
    dots = min(_DOTS_PER_INCH, _MOST_DOTS / max(width, height), (_MOST_DOTS_IN_ALL / (width * height)) ** 0.5)
    paths = [folder / f"{name}.{extension}" for extension in _FORMATS]
    for path in paths:
        kind = path.suffix.removeprefix(".")
        metadata = {"Date": None} if kind == "svg" else {}
        save: Callable[[str], object] = partial(figure.savefig, format=kind, dpi=dots, metadata=metadata)
        write_whole(path, save)
    return paths
