"""Labels that can be read: shortened, measured, and moved apart."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from connprune.printable import printable

_POINTS_PER_INCH = 72


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Places as near as can be to those wanted, by least squares, with a gap between any two, in their order.

    With the gaps taken off, the places need only not fall: that is isotonic regression (Barlow et al. 1972), whose
    bounded solution is the unbounded one clipped.

    Args:
        wanted: the places.
        gap: the least distance, 0 or more; if there is no room for it, the places are even.
        low: the least place.
        high: the largest place.
    """
    count = len(wanted)
    if count < 2:
        return np.asarray([np.clip(each, low, high) for each in wanted], dtype=float)
    gap = min(gap, (high - low) / (count - 1))
    order = np.argsort(wanted, kind="stable")
    taken = gap * np.arange(count)
    rising = isotonic_regression(np.asarray(wanted, dtype=float)[order] - taken).x
    placed = np.empty(count)
    placed[order] = np.clip(rising, low, high - taken[-1]) + taken
    return placed


@lru_cache(maxsize=4096)
def width_of(text: str, size: float) -> float:
    """How wide a text is as it is shown, in inches, at a size in points."""
    width, _, _ = TextToPath().get_text_width_height_descent(printable(text), FontProperties(size=size), ismath=False)
    return float(width) / _POINTS_PER_INCH


def height_of(size: float) -> float:
    """How high a line of text is, in inches, at a size in points."""
    return size * 1.2 / _POINTS_PER_INCH


def shortened(text: str, most: int = 16) -> str:
    """A text of at most so many characters: of a longer one both ends, which is where names differ."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[-end:]}"


def amount(number: float) -> str:
    """A number in at most three digits and a unit: 950, 1.5 k, 29.6 M."""
    for factor, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= factor * 0.9995:
            return f"{number / factor:.3g}{unit}"
    return f"{number:.3g}"


def plain(text: str) -> str:
    """A text as it is: matplotlib takes what stands between two dollar signs for a formula, and SVG has no controls."""
    return printable(text).replace("$", r"\$")
