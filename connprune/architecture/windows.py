"""The windows that slide over feature maps: square or rectangular, and what is left of height and width after them."""

from typing import Annotated, Any, Literal

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from connprune.architecture.base import Count

Padding = Literal["same", "valid"]


def _window(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    try:
        return check(value)
    except ValidationError:
        # Of a union each member would tell its own mistake.
        raise PydanticCustomError(
            "window", "a whole number from 1 on, or two of them for height and width, like [7, 1]"
        ) from None


# One number is height and width.
Window = Annotated[Count | tuple[Count, Count], WrapValidator(_window)]


def sides(window: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width."""
    return (window, window) if isinstance(window, int) else window


def area(window: int | tuple[int, int]) -> int:
    """How many positions a window sees."""
    height, width = sides(window)
    return height * width


def shown(window: int | tuple[int, int]) -> str:
    """Height and width in words."""
    height, width = sides(window)
    return f"{height}×{width}"


def reach(window: int | tuple[int, int], dilation: int = 1) -> tuple[int, int]:
    """How many rows and columns a window goes beyond the first one that it sees."""
    height, width = sides(window)
    return dilation * (height - 1), dilation * (width - 1)


def slid(
    size: tuple[int, int], reaches: tuple[int, int], stride: int | tuple[int, int], padding: Padding
) -> tuple[int, int]:
    """How many places, down and across, a window has; below 1 where it does not fit.

    Args:
        size: height and width of the feature maps.
        reaches: of the window.
        stride: rows and columns from one place to the next.
        padding: `same` lets each place have its middle anywhere; `valid` keeps the window within the feature maps.
    """
    lost = reaches if padding == "valid" else (0, 0)
    height, width = ((side - less - 1) // step + 1 for side, less, step in zip(size, lost, sides(stride), strict=True))
    return height, width
