"""A sweep as text."""

from collections.abc import Sequence

from connprune.documents.sweep import Cell, Label, Sweep, Wirings
from connprune.report.aligned import aligned
from connprune.report.intervals import in_points
from connprune.report.wall import with_wall


def sweep_text(document: Sweep) -> str:
    """A row for each cell, then for each axis what its labels do."""
    parts = [_cells(document.rows)]
    parts += [_axis(axis, labels) for axis, labels in document.axes.items() if len(labels) > 1]
    seeds = ", ".join(map(str, document.seeds))
    parts.append(f"Seeds {seeds}. Differences from the first label: {document.method}.")
    return "\n\n".join(parts)


def _cells(rows: Sequence[Cell]) -> str:
    axes = list(rows[0].cell)
    header = [*axes, "seeds", "validation", "test", "std", "closed", "seconds"]
    table = [header, *(_cell(row, axes) for row in rows)]
    header, *lines = with_wall(table, [row.wall_seconds for row in rows])
    return aligned(header, lines, left=len(axes))


def _cell(row: Cell, axes: Sequence[str]) -> list[str]:
    return [
        *(row.cell[axis] for axis in axes),
        str(row.seeds),
        f"{row.validation_accuracy:.2%}",
        f"{row.test_accuracy:.2%}",
        "-" if row.test_std is None else f"{row.test_std * 100:.2f}",
        "-" if row.gates_closed is None else f"{row.gates_closed:.1f}/{row.gated_connections}",
        f"{row.training_seconds:.1f}",
    ]


def _axis(axis: str, labels: Sequence[Label]) -> str:
    header = [axis, "test", "difference", "95% interval", "closed", "decided", "same wiring", "between seeds"]
    return aligned(header, [_label(label) for label in labels])


def _label(label: Label) -> list[str]:
    wirings = label.wirings
    return [
        label.label,
        "-" if label.test_accuracy is None else f"{label.test_accuracy:.2%}",
        *in_points(label.difference),
        *(_wirings(wirings) if wirings else ["-"] * 4),
    ]


def _wirings(wirings: Wirings) -> list[str]:
    return [
        f"{wirings.gates_closed:.1f}",
        f"{wirings.decided_epoch:.0f}",
        _number(wirings.jaccard_with_first, "{:.2f}"),
        _number(wirings.jaccard_between_seeds, "{:.2f}"),
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
