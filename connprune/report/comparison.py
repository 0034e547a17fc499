"""A comparison as text."""

from collections.abc import Sequence

from connprune.documents.comparison import UNITS, Comparison, Row, Unit
from connprune.report.aligned import aligned
from connprune.report.intervals import in_points
from connprune.report.wall import with_wall


def comparison_text(document: Comparison) -> str:
    """The results, the costs, what each search alone says, and the verdicts."""
    rows = document.rows
    seeds = ", ".join(map(str, document.seeds)) + _other_seeds(document)
    verdicts = zip(document.verdicts, rows[1:], strict=True)
    return "\n\n".join(
        (
            _results(rows, document.unit),
            _costs(rows),
            *([_searches(document)] if document.searches else ()),
            "\n".join(f"{sentence}{_latency(row, rows[0])}" for sentence, row in verdicts),
            f"Seeds {seeds}; epochs {document.epochs}. Difference: the {document.method}.",
        )
    )


def _other_seeds(document: Comparison) -> str:
    """What is said of seeds that the first search does not have; in earlier versions it had those of all."""
    runs = (run for row in document.rows for network in row.networks for run in network.runs)
    return (
        " of the first search and the next ones of each other"
        if any(r.seed not in document.seeds for r in runs)
        else ""
    )


def _searches(document: Comparison) -> str:
    """A row for each search: its cut's accuracy, and by how much it is above each of its own baselines."""
    names = [row.network for row in document.rows[1:]]
    lines = []
    for search in document.searches:
        ours, *others = search.rows
        differences = {row.network: in_points(row.difference)[0] for row in others}
        lines.append(
            [str(search.search), _percent(ours.test_accuracy), *(differences.get(name, "-") for name in names)]
        )
    return aligned(["search", "cut", *(f"− {name}" for name in names)], lines)


def _results(rows: Sequence[Row], unit: Unit) -> str:
    header = ["network", "networks", UNITS[unit], "validation", "test", "std", "cut − baseline", "95% interval"]
    lines = [_result(row, unit) for row in rows]
    if any(row.start not in (None, "scratch") for row in rows):
        header.insert(1, "start")
        for line, row in zip(lines, rows, strict=True):
            line.insert(1, row.start or "-")
    return aligned(header, lines)


def _result(row: Row, unit: Unit) -> list[str]:
    return [
        row.network,
        str(row.count),
        str(row.repetitions(unit)),
        _percent(row.validation_accuracy),
        _percent(row.test_accuracy),
        "-" if row.test_std is None else f"{row.test_std * 100:.2f}",
        *in_points(row.difference),
    ]


def _costs(rows: Sequence[Row]) -> str:
    header = ["network", "connections", "layers", "parameters", "MACs", "ms, batch 1", "ms, batch 256", "seconds"]
    header, *lines = with_wall([header, *map(_cost, rows)], [row.wall_seconds for row in rows])
    return aligned(header, lines)


def _cost(row: Row) -> list[str]:
    latency = row.latency_seconds or {}
    return [
        row.network,
        f"{row.connections:.4g}",
        f"{row.layers:.4g}",
        f"{row.parameters:,.0f}",
        f"{row.macs:,.0f}",
        *(f"{latency[batch] * 1000:.2f}" if batch in latency else "-" for batch in ("1", "256")),
        "-" if row.training_seconds is None else f"{row.training_seconds:.1f}",
    ]


def _latency(row: Row, ours: Row) -> str:
    """What follows a verdict on the clock, which no two runs of a comparison say alike."""
    seconds, others = ours.latency_seconds, row.latency_seconds
    if not (seconds and others):
        return ""
    one, many = (f"{seconds[batch] / others[batch]:.2g}" for batch in ("1", "256"))
    return f" The cut takes {one} times as long for one image, {many} times for 256."


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
