"""What the directories of a runs folder hold, a row each, read quickly: no weights, no architectures, no torch."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from connprune.documents.comparison import Comparison
from connprune.documents.lists import RunRow
from connprune.errors import UsageError
from connprune.files import parse_object, read_text
from connprune.processes import Process
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.runs.find import directories
from connprune.runs.links import read_document
from connprune.runs.lock import holder
from connprune.runs.summary import EXPERIMENTS, Kind


def rows(places: Iterable[Path]) -> list[RunRow]:
    """A row for each directory that a folder of runs holds, and for each training of an experiment that is named.

    The one that was worked on last comes first, as it is the one that commands take; what is no run comes last.

    Args:
        places: folders of runs, experiments or runs.

    Raises:
        UsageError: a place is no directory.
    """
    found = dict.fromkeys(path for place in places for path in _directories(place))
    return sorted(map(_row, found), key=lambda row: (row.updated or "", row.path), reverse=True)


def _directories(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        raise UsageError(f"{place}: expected a folder of runs.")
    if (place / "plan.json").is_file():
        yield from sorted(place.glob("jobs/*/seed-*"))
    elif (place / "summary.json").is_file():
        yield place
    else:
        yield from directories(place)


def _row(path: Path) -> RunRow:
    run = RunDirectory(path)
    try:
        if not (path / "summary.json").is_file():
            return RunRow(path=str(path), problem="it has no summary.json")
        summary = run.summary
    except (UsageError, OSError) as error:
        return RunRow(path=str(path), status="damaged", problem=str(error))
    kind = str(summary.get("kind"))
    if kind not in get_args(Kind):
        kinds = ", ".join(get_args(Kind))
        return RunRow(
            path=str(path), status="damaged", problem=f"{path}: found the kind {kind!r}, expected one of {kinds}."
        )
    try:
        found = _of_experiment(run, summary) if kind in EXPERIMENTS else _of_run(run, summary, holder(path))
    except (UsageError, OSError) as error:
        found = {"status": "damaged", "problem": str(error)}
    told = {key: _text(summary.get(key)) for key in ("created", "updated", "origin", "data")}
    told["parent"] = _text(summary.get("parent")) or _text(summary.get("cut"))
    return RunRow(path=str(path), kind=kind, **{"seed": _count(summary.get("seed")), **told, **found})


def _of_run(run: RunDirectory, summary: Mapping[str, Any], held_by: Process | None) -> dict[str, Any]:
    counts = {
        "total": _count(summary.get("epochs")),
        "connections_before": _count(summary.get("connections")),
        "parameters": _count(summary.get("parameters")),
    }
    if summary.get("kind") == "cut":
        return {"status": _status(summary, held_by), **_of_cut(run)}
    if summary.get("status") == "finished":
        final, closed = summary["final"], summary.get("gates_closed")
        return {
            **counts,
            "status": "done",
            "done": _count(final.get("epoch")),
            "validation_accuracy": final["validation_accuracy"],
            "test_accuracy": final["test_accuracy"],
            **_connections(run, counts["connections_before"], closed),
        }
    epochs, last = _last_epoch(run.metrics)
    return {
        **counts,
        "status": _status(summary, held_by),
        "holder": str(held_by) if held_by else None,
        "done": epochs,
        "validation_accuracy": _number(last.get("validation_accuracy")),
        **_connections(run, counts["connections_before"], last.get("gates_closed")),
    }


def _status(summary: Mapping[str, Any], held_by: Process | None) -> str:
    stated = str(summary.get("status"))
    if held_by:
        return "running"
    return {"finished": "done", "running": "interrupted"}.get(stated, stated)


def _connections(run: RunDirectory, count: int | None, closed: Any) -> dict[str, Any]:
    if count is None:
        return {}
    before = _before_the_cut(run) or count
    return {"connections": count - (_count(closed) or 0), "connections_before": before}


def _before_the_cut(run: RunDirectory) -> int | None:
    """How many connections the parent of a retrained cut had."""
    if not run.comparison.is_file():
        return None
    try:
        rows = read_document(Comparison, run.comparison).rows
    except UsageError:
        return None
    return next((round(row.connections) for row in rows if row.network == "parent"), None)


def _of_cut(run: RunDirectory) -> dict[str, Any]:
    document = read_cut(run)
    return {
        "validation_accuracy": document.after.validation_accuracy,
        "test_accuracy": document.after.test_accuracy,
        "connections": document.after.connections,
        "connections_before": document.before.connections,
        "parameters": document.after.parameters,
        "rule": f"{document.rule} by {document.by}",
    }


def _of_experiment(run: RunDirectory, summary: Mapping[str, Any]) -> dict[str, Any]:
    jobs = [RunDirectory(path) for path in run.path.glob("jobs/*/seed-*")]
    if summary.get("status") == "finished":
        return {"status": "done", "done": len(jobs), "total": len(jobs)}
    held_by = next((found for job in jobs if (found := holder(job.path))), None)
    return {
        "status": _status(summary, held_by),
        "holder": str(held_by) if held_by else None,
        "done": sum(map(_is_finished, jobs)),
        "total": len(jobs),
    }


def _is_finished(run: RunDirectory) -> bool:
    try:
        return run.is_finished
    except UsageError:
        return False


def _last_epoch(metrics: Path) -> tuple[int, Mapping[str, Any]]:
    """How many epochs are done, and what the last one's line says; nothing if there is none, or it is damaged."""
    if not metrics.is_file():
        return 0, {}
    lines = read_text(metrics).splitlines()
    try:
        return len(lines), parse_object(lines[-1]) if lines else {}
    except ValueError:
        return len(lines), {}


def _count(value: Any) -> int | None:
    return value if type(value) is int else None


def _number(value: Any) -> float | None:
    return value if type(value) in (int, float) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
