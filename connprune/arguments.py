"""Refuses an argument of another type or range by a sentence that names it."""

from collections.abc import Callable

from connprune.errors import ArgumentError
from connprune.mistakes import Mistake
from connprune.printable import printable

_LONGEST = 60


def require(
    name: str,
    value: object,
    kind: type | tuple[type, ...],
    expected: str,
    suits: Callable[..., bool] = lambda value: True,
) -> None:
    """Refuses a value that is of another type, or does not suit.

    Args:
        name: of the argument.
        value: what was given for it.
        kind: the types that it may have; true and false are no numbers.
        expected: what it may be, in words.
        suits: says of a value of this type whether it is in range.

    Raises:
        ArgumentError: so it is.
    """
    try:
        is_good = isinstance(value, kind) and not isinstance(value, bool) and suits(value)
    except OverflowError:  # A whole number beyond all floating-point ones.
        is_good = False
    if not is_good:
        raise ArgumentError(Mistake(key=name, found=_shown(value), expected=expected))


def _shown(value: object) -> str:
    """A value as a message shows it: one whose text is long by its type."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    text = printable(repr(value)) if isinstance(value, int | float | str | bytes | None) else ""
    return text if 0 < len(text) <= _LONGEST else f"a value of the type {type(value).__name__}"
