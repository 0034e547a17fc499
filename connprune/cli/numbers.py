"""How the options read numbers: plain digits, in range, or a sentence that says what was expected."""

import math
import re
from collections.abc import Callable
from typing import Any

import typer

from connprune.printable import printable

_LONGEST = 60
_UNITS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}
# What fits into the numbers that seeds and counts become.
_MOST_DIGITS = 18


def whole_number(text: str | int) -> int:
    """Reads an option's value, or as typer has it, its default.

    Raises:
        typer.BadParameter: it is no whole number of at most 18 digits.
    """
    text = str(text)
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        raise typer.BadParameter(f"found {_shown(text)}, expected a whole number.")
    if len(text.lstrip("-+0")) > _MOST_DIGITS:
        raise typer.BadParameter(f"found {_shown(text)}, expected a whole number of at most {_MOST_DIGITS} digits.")
    return int(text)


def whole_number_from(least: int, most: int | None = None) -> Callable[[str | int], int]:
    """Reads an option's value that must be neither smaller nor larger."""

    def read(text: str | int) -> int:
        value = whole_number(text)
        if value < least or (most is not None and value > most):
            wanted = f"from {least} upwards" if most is None else f"from {least} to {most:,}"
            raise typer.BadParameter(f"found {value}, expected a whole number {wanted}.")
        return value

    return read


def number(text: str) -> float:
    """Reads an option's value.

    Raises:
        typer.BadParameter: it is no finite number.
    """
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise typer.BadParameter(f"found {_shown(text)}, expected a number.")
    return value


def number_from(least: float, most: float | None = None) -> Callable[[str], float]:
    """Reads an option's value that must be neither smaller nor larger."""

    def read(text: str) -> float:
        value = number(text)
        if value < least or (most is not None and value > most):
            wanted = f"from {least:g} upwards" if most is None else f"from {least:g} to {most:g}"
            raise typer.BadParameter(f"found {_shown(text)}, expected a number {wanted}.")
        return value

    return read


def factor(text: str) -> Any:
    """Reads an option's value: a number above 0 and at most 1,000, exactly."""
    from fractions import Fraction

    value = Fraction(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0
    if not 0 < value <= 1_000:
        raise typer.BadParameter(f"found {_shown(text)}, expected a number above 0 and up to 1,000, like 1.5.")
    return value


def image_shape(text: str) -> Any:
    """Reads an option's value: feature maps, height and width of an image, like 3x224x224."""
    from connprune.architecture.base import Shape

    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and 0 < int(part[:11]) <= 10**9 for part in parts):
        raise typer.BadParameter(f"found {_shown(text)}, expected feature maps, height and width, like 3x224x224.")
    return Shape(*map(int, parts))


def count(text: str | int) -> int:
    """Reads an option's value: a whole number from 1 upwards, or like 1.5M with k, M or G behind it.

    Raises:
        typer.BadParameter: it is none.
    """
    from fractions import Fraction

    read = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)([kKMG])", str(text))
    if read is None:
        if not re.fullmatch(r"[-+]?[0-9]+", str(text)):
            raise typer.BadParameter(f"found {_shown(str(text))}, expected a whole number, like 600000000 or 600M.")
        return whole_number_from(1)(text)
    value = Fraction(read[1]) * _UNITS[read[2]]
    if value.denominator != 1:
        raise typer.BadParameter(f"found {_shown(str(text))}, expected a whole number.")
    return whole_number_from(1)(str(value))


def budget(text: str) -> Any:
    """Reads an option's value: a whole number from 1 upwards, or with % behind it a `Share` of the parent."""
    from fractions import Fraction

    from connprune.architecture.rules import Share
    from connprune.errors import UsageError

    if not text.endswith("%"):
        if not re.fullmatch(r"[-+]?[0-9]+|[0-9.]+[kKMG]", text):
            raise typer.BadParameter(f"found {_shown(text)}, expected a whole number, or a percentage like 50%.")
        return count(text)
    try:
        share = Share(Fraction(str(number(text[:-1]))) / 100)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None
    if not share.value:
        raise typer.BadParameter(f"found {_shown(text)}, expected more than 0%: a network has some of each.")
    return share


def latency(text: str) -> Any:
    """Reads an option's value: milliseconds like 3ms, or with % behind it a `Share` of what the parent takes."""
    if text.endswith("%"):
        return budget(text)
    read = re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ms)?", text)
    value = number(read[1]) if read else 0
    if not value:
        raise typer.BadParameter(f"found {_shown(text)}, expected milliseconds above 0, like 3ms, or a percentage.")
    return value / 1000


def _shown(text: str) -> str:
    return f"'{printable(text if len(text) <= _LONGEST else text[:_LONGEST] + '…')}'"
