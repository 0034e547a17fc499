"""The column of the wall clock, in tables of which some rows do not know it."""

from collections.abc import Sequence


def with_wall(table: Sequence[Sequence[str]], seconds: Sequence[float | None]) -> list[list[str]]:
    """A table's header and lines, with a last column if any row knows it.

    Args:
        table: the header, and a line for each of the rows.
        seconds: of the rows.
    """
    if all(each is None for each in seconds):
        return [list(line) for line in table]
    column = ["wall", *("-" if each is None else f"{each:.1f}" for each in seconds)]
    return [[*line, cell] for line, cell in zip(table, column, strict=True)]
