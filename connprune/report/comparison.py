"""A comparison of several networks over several seeds, or searches, as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from connprune.report.aligned import aligned
from connprune.report.wall import with_wall


def comparison_text(document: Mapping[str, Any]) -> str:
    """The results, the costs, what each search alone says, and the verdicts."""
    rows = document["rows"]
    seeds = ", ".join(map(str, document["seeds"]))
    unit = "searches" if document.get("unit") == "search" else "seeds"
    return "\n\n".join(
        (
            _results(rows, unit),
            _costs(rows),
            *([_searches(document)] if unit == "searches" else ()),
            "\n".join(
                f"{sentence}{_latency(row, rows[0])}"
                for sentence, row in zip(document["verdicts"], rows[1:], strict=True)
            ),
            f"Seeds {seeds}; epochs {document['epochs']}. Difference: the {document['method']}.",
        )
    )


def _searches(document: Mapping[str, Any]) -> str:
    """A row for each search: its cut's accuracy, and by how much it is above each of its own baselines."""
    names = [row["network"] for row in document["rows"][1:]]
    lines = []
    for search in document["searches"]:
        ours, *others = search["rows"]
        found = {row["network"]: row for row in others}
        mean = "-" if ours["mean"] is None else f"{ours['mean']:.2%}"
        lines.append([str(search["search"]), mean, *(_less(found.get(name)) for name in names)])
    return aligned(["search", "cut", *(f"less {name}" for name in names)], lines)


def _less(row: Mapping[str, Any] | None) -> str:
    return _points(row["difference"]["mean"]) if row and row["difference"] else "-"


def _results(rows: Sequence[Mapping[str, Any]], unit: str) -> str:
    header = ["network", "networks", unit, "validation", "test", "spread", "cut less it", "95% interval"]
    return aligned(header, [_result(row, unit) for row in rows])


def _result(row: Mapping[str, Any], unit: str) -> list[str]:
    found = row["difference"]
    interval = "-" if found is None or found["low"] is None else f"{_points(found['low'])} to {_points(found['high'])}"
    return [
        row["network"],
        str(row["count"]),
        str(row[unit]),
        *("-" if row[key] is None else f"{row[key]:.2%}" for key in ("validation_mean", "mean")),
        "-" if row["deviation"] is None else f"{row['deviation'] * 100:.2f}",
        "-" if found is None else _points(found["mean"]),
        interval,
    ]


def _costs(rows: Sequence[Mapping[str, Any]]) -> str:
    header = ["network", "connections", "layers", "parameters", "MACs", "ms at 1", "ms at 256", "seconds"]
    header, *lines = with_wall([header, *map(_cost, rows)], rows)
    return aligned(header, lines)


def _cost(row: Mapping[str, Any]) -> list[str]:
    latency = row["latency_seconds"] or {}
    return [
        row["network"],
        *(f"{row[key]:.4g}" for key in ("connections", "layers")),
        *(f"{row[key]:,.0f}" for key in ("parameters", "macs")),
        *(f"{latency[batch] * 1000:.2f}" if batch in latency else "-" for batch in ("1", "256")),
        f"{row['training_seconds']:.1f}",
    ]


def _latency(row: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """What follows a verdict on the clock, which no two runs of a comparison say alike; older documents lack it."""
    seconds, others = ours["latency_seconds"], row["latency_seconds"]
    if not (row.get("cost") and seconds and others):
        return ""
    one, many = (f"{seconds[batch] / others[batch]:.2g}" for batch in ("1", "256"))
    return f" The cut takes {one} times as long for one image, {many} times for 256."


def _points(value: float) -> str:
    return f"{value * 100:+.2f}"
