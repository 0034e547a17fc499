"""What to say of a name that is none of those that there are."""

from collections.abc import Iterable
from difflib import get_close_matches

from connprune.mistakes import Mistake

_LONGEST = 60


def unknown(key: str, word: str, known: Iterable[str]) -> Mistake:
    """The mistake of a name that is none of those that there are: `preset: found 'digit', expected one of …`.

    Args:
        key: the key or the argument that holds the name.
        word: what the user wrote.
        known: the names that there are.
    """
    names = list(known)
    return Mistake(
        key=key, found=repr(word[:_LONGEST]), expected=f"one of {', '.join(names)}", hint=nearest(word, names)
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The question whether the user meant the name that is nearest; None if none is near."""
    near = get_close_matches(word[:_LONGEST], list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else None


def one_of(names: Iterable[str]) -> str:
    """`digits, cifar10 or cifar100`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
