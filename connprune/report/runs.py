"""The runs of a folder as a table."""

from collections.abc import Sequence
from datetime import UTC, datetime

from connprune.report.aligned import aligned
from connprune.runs.listing import Row


def runs_table(rows: Sequence[Row], now: datetime) -> str:
    """A line for each run; `now` is what ages are counted to."""
    header = ["run", "kind", "status", "done", "validation", "test", "connections", "parameters", "age"]
    return aligned(header, [_line(row, now) for row in rows], left=3)


def _line(row: Row, now: datetime) -> list[str]:
    status = f"{row.status} ({row.holder})" if row.holder else row.status
    return [
        row.path,
        row.kind or "-",
        status,
        _out_of(row.done, row.total),
        _share(row.validation_accuracy),
        _share(row.test_accuracy),
        _out_of(row.connections, row.connections_before),
        "-" if row.parameters is None else f"{row.parameters:,}",
        age(row.updated, now),
    ]


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


def _out_of(count: int | None, total: int | None) -> str:
    if count is None:
        return "-"
    return f"{count:,}" if total is None else f"{count:,}/{total:,}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
