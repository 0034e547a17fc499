"""A sweep as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from connprune.report.aligned import aligned
from connprune.report.wall import with_wall


def sweep_text(document: Mapping[str, Any]) -> str:
    """A row for each cell, then for each axis what its labels do."""
    parts = [_cells(document["rows"])]
    parts += [_axis(axis, labels) for axis, labels in document["axes"].items() if len(labels) > 1]
    seeds = ", ".join(map(str, document["seeds"]))
    parts.append(f"Seeds {seeds}. Differences from the first label: {document['method']}.")
    return "\n\n".join(parts)


def _cells(rows: Sequence[Mapping[str, Any]]) -> str:
    axes = list(rows[0]["cell"])
    header = [*axes, "seeds", "validation", "test", "spread", "closed", "seconds"]
    header, *lines = with_wall([header, *(_cell(row, axes) for row in rows)], rows)
    return aligned(header, lines, left=len(axes))


def _cell(row: Mapping[str, Any], axes: Sequence[str]) -> list[str]:
    closed = "-" if row["gates_closed"] is None else f"{row['gates_closed']:.1f}/{row['gated_connections']}"
    return [
        *(row["cell"][axis] for axis in axes),
        str(row["seeds"]),
        f"{row['validation_mean']:.2%}",
        f"{row['mean']:.2%}",
        "-" if row["deviation"] is None else f"{row['deviation'] * 100:.2f}",
        closed,
        f"{row['training_seconds']:.1f}",
    ]


def _axis(axis: str, labels: Sequence[Mapping[str, Any]]) -> str:
    header = [axis, "test", "difference", "95% interval", "closed", "decided", "same wiring", "between seeds"]
    return aligned(header, [_label(label) for label in labels])


def _label(label: Mapping[str, Any]) -> list[str]:
    difference = label["difference"]
    wiring = label["wiring"] or {}
    interval = "-"
    if difference and difference["low"] is not None:
        interval = f"{difference['low'] * 100:+.2f} to {difference['high'] * 100:+.2f}"
    return [
        label["label"],
        "-" if label["mean"] is None else f"{label['mean']:.2%}",
        "-" if not difference else f"{difference['mean'] * 100:+.2f}",
        interval,
        _number(wiring.get("gates_closed"), "{:.1f}"),
        _number(wiring.get("decided_epoch"), "{:.0f}"),
        _number(wiring.get("jaccard_with_first"), "{:.2f}"),
        _number(wiring.get("jaccard_between_seeds"), "{:.2f}"),
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
