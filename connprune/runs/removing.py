"""Removes runs whole, unless something else needs them."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from connprune.errors import ConnpruneError, RunLockedError, UsageError
from connprune.files import read_sealed_json
from connprune.leftovers import temporary_folder
from connprune.runs.directory import RunDirectory
from connprune.runs.find import run_paths
from connprune.runs.links import followed
from connprune.runs.lock import lock_owner

# Where the runs are that belong to another: the trainings of an experiment, and the trials of an evolution.
_OWN = ("jobs", "trials")


def removable(paths: Iterable[Path], folders: Iterable[Path] = ()) -> list[Path]:
    """The directories to remove, once each, without links in their paths.

    Args:
        paths: of runs, cuts or experiments.
        folders: of runs that may come from them, besides those that they are in.

    Raises:
        UsageError: one of them is a link, no run, or damaged so that nothing says that it is a run; it is within
            another run, or another is within it, or was cut or trained from it, and that is not to be removed too.
        RunLockedError: a process works in it.
    """
    gone = dict.fromkeys(map(_real, paths))
    outermost = [path for path in gone if not gone.keys() & set(path.parents)]
    for path in outermost:
        _require_by_itself(path, set(gone))
    places = dict.fromkeys([*(path.parent for path in outermost), *(folder.resolve() for folder in folders)])
    for run, source in _sources(places):
        if source in gone and not gone.keys() & {run, *run.parents}:
            raise UsageError(f"{source}: {run} was made from it; remove that too, or keep both.")
    return outermost


def remove(paths: Sequence[Path]) -> int:
    """Removes directories that `removable` gave; links in them go, what they lead to stays.

    Each vanishes as a whole from where it was, before its files are removed.

    Returns:
        How many bytes their files took.

    Raises:
        RunLockedError: a process works in one of them; then none is removed.
        OSError: a file cannot be removed.
    """
    freed = sum(map(_bytes, paths))
    with ExitStack() as locks:
        for path in paths:
            locks.enter_context(RunDirectory(path).locked())
        for path in paths:
            temporary = temporary_folder(path)
            try:
                path.rename(temporary / path.name)
            except BaseException:
                temporary.rmdir()
                raise
            shutil.rmtree(temporary)
    return freed


def _real(path: Path) -> Path:
    """Where a run is; refuses what is none."""
    if path.is_symlink():
        raise UsageError(f"{path}: this is a link; name the run that it leads to, {path.resolve()}.")
    run = RunDirectory.open(path)
    try:
        _ = run.summary
    except UsageError as error:
        raise UsageError(f"{error} So nothing says that this is a run; remove the directory yourself.") from None
    if path.is_mount():
        raise UsageError(f"{path}: this is a mount point, which cannot be removed.")
    return path.resolve()


def _require_by_itself(path: Path, gone: set[Path]) -> None:
    """Refuses what is a part of another run, holds one that is not its own, or is in use."""
    owner = next((parent for parent in path.parents if (parent / "summary.json").is_file()), None)
    if owner:
        raise UsageError(f"{path}: it belongs to {owner}; remove that as a whole.")
    for file in path.rglob("summary.json"):
        inner = file.parent
        is_own = inner == path or inner.relative_to(path).parts[0] in _OWN
        if not is_own and inner not in gone:
            raise UsageError(f"{path}: there is another run in it, {inner}; remove that too, or move it.")
        if process := lock_owner(inner):
            raise RunLockedError(f"{inner}: {process} works in it; stop that first.")


def _sources(folders: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Runs, trainings of experiments included, each with a run that it was made from."""
    for folder in folders:
        for path in run_paths(folder):
            for run in (path, *path.glob("jobs/*/seed-*")):
                with suppress(ConnpruneError, OSError):
                    summary = RunDirectory(run).summary
                    yield from ((run.resolve(), Path(link).resolve()) for link in (summary.parent, summary.cut) if link)
            plan = path / "plan.json"
            if plan.is_file():
                with suppress(ConnpruneError, OSError):
                    cuts = followed(read_sealed_json(plan), path, "cuts").get("cuts")
                    yield from ((path.resolve(), Path(cut).resolve()) for cut in cuts or ())  # type: ignore[attr-defined]


def _bytes(path: Path) -> int:
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_symlink() or file.is_file())
