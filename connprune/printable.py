"""Text from elsewhere as it can be shown."""


def printable(text: str) -> str:
    """A text on one line and without what a terminal would obey; each such character stands there as its escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def visible(text: str) -> str:
    """As `printable`, for a message that may have several lines."""
    return "\n".join(map(printable, text.split("\n")))
