"""What the docstring of a class of keys says about each of them."""

import inspect
import re


def summary(model: type) -> str:
    """The docstring without its attributes."""
    return inspect.cleandoc(model.__doc__ or "").partition("\n\nAttributes:")[0]


def attributes(model: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say about each key."""
    meanings: dict[str, str] = {}
    for base in reversed(model.__mro__):
        _, _, text = inspect.cleandoc(base.__doc__ or "").partition("Attributes:\n")
        for entry in re.split(r"\n(?=    \S)", f"\n{text}"):
            name, separator, meaning = entry.strip().partition(": ")
            if separator:
                meanings |= {key.strip(): " ".join(meaning.split()) for key in name.split(",")}
    return meanings
