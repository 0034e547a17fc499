"""What is wrong with a run directory: every file of it is read, and its digest verified."""

from collections.abc import Callable, Iterator
from pathlib import Path

from connprune.documents.comparison import Comparison
from connprune.documents.sweep import Sweep
from connprune.errors import UsageError
from connprune.files import read_json, read_sealed_json
from connprune.mistakes import Mark, Mistake
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.runs.links import read_document
from connprune.tensor_files import read_tensors
from connprune.training.configuration import configuration_in, read_configuration
from connprune.training.run import load_network


def mistakes_of_run(run: RunDirectory) -> list[Mistake]:
    """Each thing that is wrong with a run, a cut or an experiment; none if it is sound.

    Whether the files belong together is looked at once each of them is sound.
    """
    try:
        kind, is_finished = run.kind, run.is_finished
    except UsageError as error:
        return [*error.mistakes]
    if kind in ("comparison", "sweep"):
        return [mistake for part in _parts_of_experiment(run) for mistake in part]
    mistakes = list(dict.fromkeys(_raised(_checks(run, kind, is_finished))))
    if not mistakes and is_finished and kind != "evolution":
        mistakes = _raised([lambda: load_network(run)])
    trials = sorted(run.path.glob("trials/*/summary.json"))
    return mistakes + [mistake for trial in trials for mistake in mistakes_of_run(RunDirectory(trial.parent))]


def _checks(run: RunDirectory, kind: str, is_finished: bool) -> list[Callable[[], object]]:
    checks: list[Callable[[], object]] = [run.architecture, lambda: read_configuration(run)]
    if kind == "cut":
        checks += [lambda: read_cut(run)]
    if kind == "cut" or run.parent.exists():
        checks += [lambda: configuration_in(run, run.parent)]
    if run.summary.start:
        checks.append(lambda: _require_initial(run))
    needed = [run.final, *([run.best, run.metrics] if kind != "cut" else [])] if is_finished else []
    checks += [lambda path=path: _require(path) for path in needed]  # type: ignore[misc]
    there = [run.final, run.best, run.initial, run.early, run.checkpoint, run.previous_checkpoint]
    checks += [lambda path=path: read_tensors(path) for path in there if path.exists()]  # type: ignore[misc]
    checks += [run.read_metrics]
    checks += [run.read_gates] if run.gates.exists() else []
    checks += [lambda: read_json(run.environment)] if run.environment.exists() else []
    return [*checks, *_results(run)]


def _parts_of_experiment(run: RunDirectory) -> Iterator[list[Mistake]]:
    yield _raised([lambda: read_sealed_json(run.path / "plan.json")])
    yield _raised(_results(run))
    for job in sorted(run.path.glob("jobs/*/seed-*")):
        yield mistakes_of_run(RunDirectory(job))


def _results(run: RunDirectory) -> list[Callable[[], object]]:
    checks: list[Callable[[], object]] = []
    if run.comparison.exists():
        checks.append(lambda: read_document(Comparison, run.comparison))
    if run.sweep.exists():
        checks.append(lambda: read_document(Sweep, run.sweep))
    return checks


def _require(path: Path) -> None:
    if not path.is_file():
        raise UsageError(Mistake("this file is missing, but the run is finished.", mark=Mark(str(path))))


def _require_initial(run: RunDirectory) -> None:
    if not run.initial.is_file():
        message = "this file is missing, but the run starts from its weights."
        raise UsageError(Mistake(message, mark=Mark(str(run.initial))))


def _raised(checks: list[Callable[[], object]]) -> list[Mistake]:
    mistakes: list[Mistake] = []
    for check in checks:
        try:
            check()
        except UsageError as error:
            mistakes += error.mistakes
    return mistakes
