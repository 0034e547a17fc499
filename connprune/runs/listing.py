"""What the directories of a runs folder hold, a row each, read quickly: no weights, no architectures, no torch."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from connprune.documents.epoch import EpochMetrics
from connprune.documents.lists import RunRow
from connprune.documents.run import EXPERIMENTS, Summary, Trained
from connprune.errors import UsageError
from connprune.files import parse_object, read_text
from connprune.processes import Process
from connprune.runs.directory import RunDirectory
from connprune.runs.find import directories
from connprune.runs.links import read_document
from connprune.runs.lock import lock_owner


def rows(folders: Iterable[Path]) -> list[RunRow]:
    """A row for each directory that a folder of runs holds, and for each training of an experiment that is named.

    The one that was worked on last comes first, as it is the one that commands take; what is no run comes last.

    Args:
        folders: of runs or experiments, or a run itself.

    Raises:
        UsageError: one of them is no directory.
    """
    paths = dict.fromkeys(path for folder in folders for path in _directories(folder))
    return sorted(map(_row, paths), key=lambda row: (row.updated or "", row.path), reverse=True)


def _directories(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: expected a folder of runs.")
    if (folder / "plan.json").is_file():
        yield from sorted(folder.glob("jobs/*/seed-*"))
    elif (folder / "summary.json").is_file():
        yield folder
    else:
        yield from directories(folder)


def _row(path: Path) -> RunRow:
    run = RunDirectory(path)
    try:
        if not (path / "summary.json").is_file():
            return RunRow(path=str(path), problem="it has no summary.json")
        summary = run.summary
    except (UsageError, OSError) as error:
        return RunRow(path=str(path), status="damaged", problem=str(error))
    try:
        facts = _of_experiment(run, summary) if summary.kind in EXPERIMENTS else _of_run(run, summary, lock_owner(path))
    except (UsageError, OSError) as error:
        facts = {"status": "damaged", "problem": str(error)}
    told: dict[str, object] = {
        "kind": summary.kind,
        "parent": summary.parent or summary.cut,
        "origin": summary.origin,
        "data": summary.data,
        "seed": summary.seed,
        "created": summary.created,
        "updated": summary.updated,
    }
    return RunRow.model_validate({"path": str(path), **told, **facts})


def _of_run(run: RunDirectory, summary: Summary, owner: Process | None) -> dict[str, object]:
    if summary.kind == "cut":
        return {"status": _status(summary, owner), **_of_cut(run)}
    counts = {"total": summary.epochs, "parameters": summary.parameters}
    if isinstance(summary, Trained):
        return {
            **counts,
            "status": "done",
            "done": summary.final.epoch,
            "validation_accuracy": summary.final.validation_accuracy,
            "test_accuracy": summary.final.test_accuracy,
            **_connections(run, summary.connections, summary.gates_closed),
        }
    done, last = _last_epoch(run.metrics)
    return {
        **counts,
        "status": _status(summary, owner),
        "owner": str(owner) if owner else None,
        "done": done,
        "validation_accuracy": last.validation_accuracy if last else None,
        **_connections(run, summary.connections, last.gates_closed if last else None),
    }


def _status(summary: Summary, owner: Process | None) -> str:
    if owner:
        return "running"
    return {"finished": "done", "running": "interrupted"}.get(summary.status, summary.status)


def _connections(run: RunDirectory, count: int | None, closed: int | None) -> dict[str, object]:
    if count is None:
        return {}
    return {"connections": max(0, count - (closed or 0)), "connections_before": _before_the_cut(run) or count}


def _before_the_cut(run: RunDirectory) -> int | None:
    """How many connections the parent of a retrained cut had."""
    if not run.comparison.is_file():
        return None
    from connprune.documents.comparison import Comparison

    try:
        rows = read_document(Comparison, run.comparison).rows
    except UsageError:
        return None
    return next((round(row.connections) for row in rows if row.network == "parent"), None)


def _of_cut(run: RunDirectory) -> dict[str, object]:
    from connprune.runs.cut import read_cut

    document = read_cut(run)
    return {
        "validation_accuracy": document.after.validation_accuracy,
        "test_accuracy": document.after.test_accuracy,
        "connections": document.after.connections,
        "connections_before": document.before.connections,
        "parameters": document.after.parameters,
        "rule": f"{document.rule} by {document.by}",
    }


def _of_experiment(run: RunDirectory, summary: Summary) -> dict[str, object]:
    jobs = [RunDirectory(path) for path in run.path.glob("jobs/*/seed-*")]
    if summary.status == "finished":
        return {"status": "done", "done": len(jobs), "total": len(jobs)}
    owner = next((worker for job in jobs if (worker := lock_owner(job.path))), None)
    return {
        "status": _status(summary, owner),
        "owner": str(owner) if owner else None,
        "done": sum(map(_is_finished, jobs)),
        "total": len(jobs),
    }


def _is_finished(run: RunDirectory) -> bool:
    try:
        return run.is_finished
    except UsageError:
        return False


def _last_epoch(metrics: Path) -> tuple[int, EpochMetrics | None]:
    """How many epochs are done, and what the last one's line says; nothing if there is none, or it is damaged."""
    if not metrics.is_file():
        return 0, None
    lines = read_text(metrics).splitlines()
    try:
        return len(lines), EpochMetrics.parse(parse_object(lines[-1]), str(metrics)) if lines else None
    except (ValueError, UsageError):
        return len(lines), None
