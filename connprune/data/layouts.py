"""What the axes of an array of images or sequences are. Nothing here imports torch."""

from typing import Literal, NamedTuple

import numpy as np

from connprune.architecture.base import Shape
from connprune.errors import UsageError
from connprune.limits import ACTIVATIONS
from connprune.mistakes import Mistake

# As many channels as images usually have.
_FEW = 4
# How `data.layout` calls them.
Order = Literal["channels-first", "channels-last"]
_ORDERS: dict[Order, Literal["first", "last"]] = {"channels-first": "first", "channels-last": "last"}
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


def layout_of(key: str, shape: tuple[int, ...], as_sequence: bool, order: Order | None = None) -> Layout:
    """How an array is read: by how many axes it has, and by where the channels are, or can be.

    Args:
        key: the name of the array.
        shape: of the array.
        as_sequence: `data.as_sequence`.
        order: `data.layout`; None guesses.

    Raises:
        UsageError: it has another number of axes, is empty, has no axis of channels although there is an order, or has
            too many numbers a row.
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
    if len(shape) == 3 and order:
        raise UsageError(
            Mistake(key=key, found=f"an array of the shape {shape}", expected=f"four axes, as data.layout is {order}")
        )
    if len(shape) == 3:
        axes: Literal["none", "first", "last", "steps"] = "steps" if as_sequence else "none"
        image = Shape(1, *shape[1:])
    elif (_ORDERS[order] if order else _guessed(shape)) == "last":
        axes, image = "last", Shape(shape[3], shape[1], shape[2])
    else:
        axes, image = "first", Shape(*shape[1:])
    if image.numel > ACTIVATIONS.most:
        raise UsageError(Mistake(f"the array has {ACTIVATIONS}", key=key))
    if as_sequence:
        image = Shape(image.feature_maps * image.width, 1, image.height)
    return Layout(axes, image, as_sequence)


def other_order(layout: Layout) -> Order | None:
    """The order that an array was not read in; None if it has no axis of channels."""
    return next((order for order, axes in _ORDERS.items() if axes != layout.axes in _ORDERS.values()), None)


def _guessed(shape: tuple[int, ...]) -> Literal["first", "last"]:
    """Where one of both ends is few and the other is not, it is the channels; else the smaller one, or the last."""
    _, first, _, last = shape
    if (first <= _FEW) != (last <= _FEW):
        return "last" if last <= _FEW else "first"
    return "last" if last <= first else "first"
