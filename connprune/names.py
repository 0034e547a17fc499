"""What to say of a name that is none of those that there are."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 60


def unknown(found: str, known: Iterable[str]) -> str:
    """`found 'digit', expected one of …; did you mean 'digits'?`, or without the question if no name is near.

    Args:
        found: what the user wrote.
        known: the names that there are.
    """
    names = list(known)
    return f"found {found[:_LONGEST]!r}, expected one of {', '.join(names)}{nearest(found, names)}"


def nearest(found: str, known: Iterable[str]) -> str:
    """How a sentence ends that says that there is no such name: `; did you mean 'digits'?`, or a full stop."""
    near = get_close_matches(found[:_LONGEST], list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else "."
