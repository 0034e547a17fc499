"""The runs of a folder as a table."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.documents.lists import RunRow
from connprune.report.aligned import aligned
from connprune.runs.settings_of import shown

if TYPE_CHECKING:
    from connprune.documents.differences import RunDifferences

# What a narrow table leaves out, first things first.
_DISPENSABLE = ("seed", "data", "from", "rule", "parent", "parameters", "validation", "connections", "age")
# Characters of a value in the table of differences.
_LONGEST = 40


def runs_table(rows: Sequence[RunRow], now: datetime, width: int | None = None) -> str:
    """A line for each run.

    Args:
        rows: the runs.
        now: what ages are counted to.
        width: columns that there are; what does not fit is left out, but never a path. None is room for all.
    """
    columns = {name: [name, *(cell(row, now) for row in rows)] for name, cell in _CELLS.items()}
    for name in (None, *_DISPENSABLE):
        columns.pop(name or "", None)
        header, *lines = zip(*columns.values(), strict=True)
        table = aligned(header, lines, left=3)
        if width is None or max(map(len, table.splitlines())) <= width:
            break
    return table


_CELLS: dict[str, Callable[[RunRow, datetime], str]] = {
    "run": lambda row, now: row.path,
    "kind": lambda row, now: row.kind or "-",
    "status": lambda row, now: f"{row.status} ({row.owner})" if row.owner else row.status,
    "done": lambda row, now: _out_of(row.done, row.total),
    "validation": lambda row, now: _share(row.validation_accuracy),
    "test": lambda row, now: _share(row.test_accuracy),
    "connections": lambda row, now: _out_of(row.connections, row.connections_before),
    "parameters": lambda row, now: "-" if row.parameters is None else f"{row.parameters:,}",
    "parent": lambda row, now: Path(row.parent).name if row.parent else "-",
    "rule": lambda row, now: row.rule or "-",
    "from": lambda row, now: row.origin or "-",
    "data": lambda row, now: row.data or "-",
    "seed": lambda row, now: "-" if row.seed is None else str(row.seed),
    "age": lambda row, now: age(row.updated, now),
}


def age(moment: str | None, now: datetime) -> str:
    """How long ago an ISO 8601 moment was, in its largest unit: `5 s`, `3 min`, `2 h`, `12 d`."""
    try:
        then = datetime.fromisoformat(moment or "")
    except ValueError:
        return "-"
    seconds = max(0, int((now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def differences_table(document: "RunDifferences") -> str:
    """A line for each value that differs."""
    names = [Path(document.first).name, Path(document.second).name]
    header = ["", "", *(names if names[0] != names[1] else (document.first, document.second))]
    lines = []
    for row in document.differences:
        values = [_value(row.key, value) for value in (row.first, row.second)]
        # What rounding makes equal is shown whole.
        lines.append([row.part, row.key, *(values if values[0] != values[1] else map(shown, (row.first, row.second)))])
    return aligned(header, lines, left=2)


def _value(key: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return _share(value) if key.endswith("accuracy") else f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = shown(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _out_of(count: int | None, total: int | None) -> str:
    if count is None:
        return "-"
    return f"{count:,}" if total is None else f"{count:,}/{total:,}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
