"""Which run a command means: a path, the newest one, or a path read from standard input."""

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from connprune.errors import UsageError
from connprune.runs.directory import RunDirectory
from connprune.runs.summary import Kind

# The kinds of runs that hold trainings and have no network of their own.
_EXPERIMENTS: tuple[Kind, ...] = ("comparison", "sweep")


def runs_folder(chosen: Path | None) -> Path:
    """Where runs are kept: `--runs`, $CONNPRUNE_RUNS, or `./runs`."""
    return chosen or Path(os.environ.get("CONNPRUNE_RUNS") or "runs")


def new_path(folder: Path, stem: str) -> Path:
    """Makes a new, empty directory whose name no other process has taken.

    Args:
        folder: the runs folder.
        stem: how its name begins; the time follows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{stem}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    attempt = 1
    while True:
        path = folder / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            attempt += 1
        else:
            return path


def find(given: str | None, folder: Path, *kinds: Kind) -> RunDirectory:
    """The run that an argument means; the newest is the one that was worked on last.

    Args:
        given: a path; `-` reads the path from standard input; None is the newest in `folder`.
        folder: the runs folder.
        kinds: what the newest may be; a run that is named may be of any kind, but no experiment unless that is here.

    Raises:
        UsageError: there is no such run, or it is an experiment, which has many.
    """
    if given == "-":
        given = os.fsdecode(sys.stdin.buffer.readline()).strip()
        if not given:
            raise UsageError("Standard input is empty, expected the path of a run; did the command before it fail?")
    if given == "":
        raise UsageError("The name of the run is empty; did the command that should print it fail?")
    if given is not None:
        _require_there(Path(given), folder)
        run = RunDirectory.open(Path(given))
        if not set(kinds) & set(_EXPERIMENTS):
            require_one_network(run)
        return run
    newest = max(_all(folder, kinds), key=lambda found: found[0], default=None)
    if newest is None:
        first = {"cut": "connprune prune"}.get(kinds[0], "connprune train")
        raise UsageError(f"There is no {' or '.join(kinds)} run in {folder}; make one with `{first}`, or name a path.")
    return newest[1]


def require_one_network(run: RunDirectory) -> None:
    """Refuses an experiment where a single network is wanted, and names one of its trainings.

    Raises:
        UsageError: it is one.
    """
    if run.kind in _EXPERIMENTS:
        first = min(map(str, run.path.glob("jobs/*/seed-*")), default=None)
        like = f", like {first}" if first else ""
        raise UsageError(
            f"{run.path}: this is a {run.kind}, an experiment of several trainings, and no single run; name one of its "
            f"trainings{like}; `connprune runs {shlex.quote(str(run.path))}` lists them."
        )


def run_paths(folder: Path) -> list[Path]:
    """The directories in a folder that a summary makes runs, whatever it holds; none if there is no such folder."""
    return [path.parent for path in folder.glob("*/summary.json")]


def _require_there(path: Path, folder: Path) -> None:
    """Refuses a path where nothing is, and names the nearest run beside it or in the runs folder."""
    if not path.exists():
        known = {run.name: str(run) for place in (path.parent, folder) for run in run_paths(place)}
        near = get_close_matches(path.name, known, n=1)
        question = f"; did you mean {known[near[0]]}?" if near else "."
        raise UsageError(f"{path}: there is no such run{question}")


def of_launch(places: Iterable[Path], launch: str | None) -> RunDirectory | None:
    """The training that a launch of several processes has begun and not finished, if there is one.

    Args:
        places: where it may be.
        launch: what is the same for all processes of a launch; None is no launch.
    """
    for _, run in _readable(places, ["train"]) if launch else ():
        if run.summary.get("launch") == launch and not run.is_finished:
            return run
    return None


def _all(folder: Path, kinds: Sequence[Kind]) -> Iterator[tuple[str, RunDirectory]]:
    return _readable(folder.iterdir() if folder.is_dir() else (), kinds)


def _readable(places: Iterable[Path], kinds: Sequence[Kind]) -> Iterator[tuple[str, RunDirectory]]:
    for entry in places:
        try:
            run = RunDirectory.open(entry)
            summary = run.summary
        except UsageError:
            continue
        if summary.get("kind") in kinds:
            yield str(summary.get("updated")), run
