"""What the axes of an array of images or sequences are. Nothing here imports torch."""

from typing import Literal, NamedTuple

import numpy as np

from connprune.architecture.base import Shape
from connprune.errors import UsageError
from connprune.limits import ACTIVATIONS
from connprune.mistakes import Mistake

# As many channels as images usually have.
_FEW = 4
_NAMES = {
    "none": ("count", "height", "width"),
    "first": ("count", "channels", "height", "width"),
    "last": ("count", "height", "width", "channels"),
    "steps": ("count", "steps", "features"),
}


class Layout(NamedTuple):
    """How an array is read.

    Attributes:
        axes: where the channels are: nowhere, first or last; or that the axes are steps and features.
        shape: of one image or sequence, as the network takes it.
        as_sequence: whether the rows become steps.
    """

    axes: Literal["none", "first", "last", "steps"]
    shape: Shape
    as_sequence: bool

    def __str__(self) -> str:
        return f"({', '.join(_NAMES[self.axes])})"

    def arranged(self, rows: np.ndarray) -> np.ndarray:
        """Some rows of the array as (count, feature maps, height, width); of sequences (count, features, 1, steps)."""
        if self.axes in ("none", "steps"):
            rows = rows[:, None]
        elif self.axes == "last":
            rows = rows.transpose(0, 3, 1, 2)
        if self.as_sequence:
            rows = rows.transpose(0, 1, 3, 2)
        return np.ascontiguousarray(rows).reshape(len(rows), *self.shape)


def layout_of(key: str, shape: tuple[int, ...], as_sequence: bool) -> Layout:
    """How an array is read: by how many axes it has, and by where the channels can be.

    Args:
        key: the name of the array.
        shape: of the array.
        as_sequence: `data.as_sequence`.

    Raises:
        UsageError: it has another number of axes, is empty, or has too many numbers a row.
    """
    if len(shape) not in (3, 4) or 0 in shape:
        hint = "give an array of single numbers or rows a height and a width" if len(shape) in (1, 2) else None
        raise UsageError(
            Mistake(
                key=key,
                found=f"an array of the shape {shape}",
                expected="at least one image, (count, height, width), (count, height, width, channels) or (count, "
                "channels, height, width), or one sequence, (count, steps, features)",
                hint=hint,
            )
        )
    if len(shape) == 3:
        axes: Literal["none", "first", "last", "steps"] = "steps" if as_sequence else "none"
        image = Shape(1, *shape[1:])
    elif _channels_are_last(shape):
        axes, image = "last", Shape(shape[3], shape[1], shape[2])
    else:
        axes, image = "first", Shape(*shape[1:])
    if image.numel > ACTIVATIONS.most:
        raise UsageError(Mistake(f"the array has {ACTIVATIONS}", key=key))
    if as_sequence:
        image = Shape(image.feature_maps * image.width, 1, image.height)
    return Layout(axes, image, as_sequence)


def _channels_are_last(shape: tuple[int, ...]) -> bool:
    """Where one of both ends is few and the other is not, it is the channels; else the smaller one, or the last."""
    _, first, _, last = shape
    if (first <= _FEW) != (last <= _FEW):
        return last <= _FEW
    return last <= first
