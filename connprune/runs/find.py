"""Which run a command means: a path, the newest one, or a path read from standard input."""

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path

from connprune.documents.run import EXPERIMENTS, Kind
from connprune.errors import UsageError
from connprune.files import absolute
from connprune.runs.directory import RunDirectory
from connprune.runs.layout import ROUNDS
from connprune.runs.lock import lock_owner

_CLOCKS_DIFFER = timedelta(minutes=1)
# Characters of a name that new ones take over.
_STEM = 60


def runs_folder(chosen: Path | None) -> Path:
    """Where runs are kept: the folder that was chosen, $CONNPRUNE_RUNS, or `./runs`."""
    named = chosen or Path(os.environ.get("CONNPRUNE_RUNS") or "runs")
    # No shell does it for the value of a variable.
    return Path(absolute(str(named))) if str(named).startswith("~") else named


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


def stem_of(path: Path) -> str:
    """What a new run's name takes over from that of a file, or of the run that it comes from."""
    name = re.sub(r"(-(cut|retrain))?(-\d{8}-\d{6}(-\d+)?)?(\.ya?ml)?$", "", path.name)
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.")[:_STEM] or "run"


def find(
    given: str | None,
    folder: Path,
    *kinds: Kind,
    pass_over: bool = False,
    warn: Callable[[str], None] = lambda text: None,
) -> RunDirectory:
    """The run that an argument means; the newest is the one that was worked on last.

    Args:
        given: a path; `-` reads the path from standard input; None is the newest in `folder`.
        folder: the runs folder.
        kinds: what the newest may be; a run that is named may be of any kind, but no experiment unless that is here.
        pass_over: whether the newest is one that no process works in, if there is such a run.
        warn: is told in a sentence of what is hardly meant.

    Raises:
        UsageError: there is no such run, or it is an experiment, which has many.
    """
    if given == "-":
        given = os.fsdecode(sys.stdin.buffer.readline()).removesuffix("\n")
        if not given:
            raise UsageError("Standard input is empty, expected the path of a run; did the command before it fail?")
    if given == "":
        raise UsageError("The name of the run is empty; did the command that should print it fail?")
    if given is not None:
        _require_there(Path(given), folder)
        run = RunDirectory.open(Path(given))
        if not set(kinds) & set(EXPERIMENTS):
            require_one_network(run)
        return run
    known = sorted(_all(folder, kinds), key=lambda dated: dated[0])
    if not known:
        first = {"cut": "connprune prune"}.get(kinds[0], "connprune train")
        raise UsageError(f"There is no {' or '.join(kinds)} run in {folder}; make one with `{first}`, or name a path.")
    idle = [dated for dated in known if not lock_owner(dated[1].path)] if pass_over else []
    updated, newest = (idle or known)[-1]
    if idle and newest.path != known[-1][1].path:
        busy = known[-1][1].path
        warn(f"{busy} is under way ({lock_owner(busy)}), so {newest.path} is taken; name the run to choose")
    if _is_ahead(updated):
        warn(
            f"{newest.path} is taken as the newest, but it was worked on in the future ({updated}): the clock was set "
            "back, or another machine's is ahead; name the run if you mean another"
        )
    return newest


def _is_ahead(moment: str) -> bool:
    """Whether a moment lies further ahead than the clocks of machines differ."""
    try:
        return datetime.fromisoformat(moment) > datetime.now(UTC) + _CLOCKS_DIFFER
    except (TypeError, ValueError):
        return False


def require_one_network(run: RunDirectory) -> None:
    """Refuses an experiment where a single network is wanted, and names one of its trainings.

    Raises:
        UsageError: it is one.
    """
    if run.kind in EXPERIMENTS:
        first = min(map(str, run.path.glob("jobs/*/seed-*")), default=None)
        like = f", like {first}" if first else ""
        raise UsageError(
            f"{run.path}: this is a {run.kind}, an experiment of several trainings, and no single run; name one of its "
            f"trainings{like}; `connprune runs {shlex.quote(str(run.path))}` lists them."
        )


def directories(folder: Path) -> list[Path]:
    """The directories in a runs folder; may be none.

    But those that begin with a dot, as what is being made does, and those that hold the rounds before a cut.
    """
    entries = folder.iterdir() if folder.is_dir() else ()
    return [
        entry
        for entry in entries
        if entry.is_dir() and not entry.name.startswith(".") and not (entry / ROUNDS).is_file()
    ]


def run_paths(folder: Path) -> list[Path]:
    """Those directories in a runs folder that a summary makes runs, whatever it holds."""
    return [path for path in directories(folder) if (path / "summary.json").exists()]


def _require_there(path: Path, folder: Path) -> None:
    """Refuses a path where nothing is, and names the nearest run beside it or in the runs folder."""
    if not path.exists():
        known = {run.name: str(run) for parent in (path.parent, folder) for run in run_paths(parent)}
        near = get_close_matches(path.name, known, n=1)
        question = f"; did you mean {known[near[0]]}?" if near else "."
        raise UsageError(f"{path}: there is no such run{question}")


def of_launch(paths: Iterable[Path], launch: str | None) -> RunDirectory | None:
    """The training that a launch of several processes has begun and not finished, if there is one.

    Args:
        paths: where it may be.
        launch: what is the same for all processes of a launch; None is no launch.
    """
    for _, run in _readable(paths, ["train"]) if launch else ():
        if run.summary.launch == launch and not run.is_finished:
            return run
    return None


def _all(folder: Path, kinds: Sequence[Kind]) -> Iterator[tuple[str, RunDirectory]]:
    return _readable(directories(folder), kinds)


def _readable(paths: Iterable[Path], kinds: Sequence[Kind]) -> Iterator[tuple[str, RunDirectory]]:
    for entry in paths:
        try:
            run = RunDirectory.open(entry)
            summary = run.summary
        except UsageError:
            continue
        if summary.kind in kinds:
            yield str(summary.updated), run
