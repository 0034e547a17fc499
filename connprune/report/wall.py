"""The column of the wall clock, in tables of documents of which older ones do not know it."""

from collections.abc import Mapping, Sequence
from typing import Any


def with_wall(table: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A table's header and lines, with a last column where one of its rows has `wall_seconds`.

    Args:
        table: the header, and a line for each of the rows.
        rows: as the document has them.
    """
    known = [row.get("wall_seconds") for row in rows]
    if all(seconds is None for seconds in known):
        return [list(line) for line in table]
    column = ["wall", *("-" if seconds is None else f"{seconds:.1f}" for seconds in known)]
    return [[*line, cell] for line, cell in zip(table, column, strict=True)]
