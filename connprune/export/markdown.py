"""Text from elsewhere in Markdown (https://spec.commonmark.org): shown, never markup."""

import re

from connprune.printable import printable


def plain(text: str) -> str:
    """A text within a line, in which nothing marks up or links."""
    # GitHub also links what begins with www and a full stop.
    return re.sub(r"([\\`*_{}\[\]<>()#!|~&:@]|(?<=www)\.)", r"\\\1", printable(text), flags=re.IGNORECASE)


def code(text: str) -> str:
    """A text as code within a line."""
    shown = printable(text)
    quotes = "`" * (_longest(shown) + 1)
    # A backtick at an end would join the quotes.
    space = " " if shown[:1] in ("`", " ") or shown[-1:] in ("`", " ") else ""
    return f"{quotes}{space}{shown}{space}{quotes}"


def fenced(text: str, language: str) -> str:
    """Lines as a block of code."""
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _longest(text: str) -> int:
    """The length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)
