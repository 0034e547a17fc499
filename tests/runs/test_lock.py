"""One process works in a run directory at a time, and it notices when the directory is no longer its own."""

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connprune.errors import LostDirectoryError, RunLockedError
from connprune.files import OWNER
from connprune.processes import Process
from connprune.runs.directory import RunDirectory
from connprune.runs.lock import lock_owner
from tests.training.helpers import StopAfter, configuration, go_on, start

STEPS = 5  # an epoch of the helpers' training


class Disturbed(StopAfter):
    """Does something to the run after so many steps of its training."""

    def __init__(self, steps: int, disturb: Callable[[], Any]) -> None:
        super().__init__(steps)
        self.disturb = disturb

    def after_step(self) -> None:
        assert self.steps is not None
        self.steps -= 1
        if self.steps == 0:
            self.disturb()


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("steps", [1, STEPS, 3 * STEPS], ids=["in the first epoch", "at its end", "at the very end"])
def test_a_run_that_another_one_replaced_is_not_written_into(tmp_path: Path, steps: int) -> None:
    ours = configuration()
    run, other = start(tmp_path / "run", ours), start(tmp_path / "other", configuration("training.seed=2"))
    as_it_was = contents(other.path)

    def replace() -> None:
        shutil.rmtree(run.path)
        other.path.rename(run.path)

    with pytest.raises(LostDirectoryError, match=r"run: this directory was removed, moved away or taken by another"):
        go_on(run, ours, Disturbed(steps, replace))
    assert contents(run.path) == as_it_was


@pytest.mark.parametrize("how", [shutil.rmtree, lambda path: path.rename(path.parent / "moved")])
def test_a_directory_that_is_gone_is_not_made_again(tmp_path: Path, how: Callable[[Path], object]) -> None:
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    with pytest.raises(LostDirectoryError):
        go_on(run, chosen, Disturbed(2, lambda: how(run.path)))
    assert not run.path.exists()


def test_results_are_not_added_to_a_run_that_took_the_place(tmp_path: Path) -> None:
    chosen = configuration("training.epochs=1")
    run = start(tmp_path / "run", chosen)
    summary = go_on(run, chosen)
    run.require_as_left(summary)
    shutil.rmtree(run.path)
    with pytest.raises(LostDirectoryError):
        run.require_as_left(summary)
    start(run.path, chosen)
    with pytest.raises(LostDirectoryError):
        run.require_as_left(summary)


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("without_locks")
def test_a_file_system_without_locks_is_told_and_the_run_goes_to_its_end(tmp_path: Path) -> None:
    chosen, watcher = configuration("training.epochs=1"), StopAfter()
    run = start(tmp_path / "run", chosen)
    go_on(run, chosen, watcher)
    assert [text for text in watcher.warnings if "this file system has no locks (No locks available)" in text]
    assert run.is_finished
    assert lock_owner(run.path) is None


@pytest.mark.usefixtures("without_locks")
def test_without_locks_the_note_keeps_others_out(tmp_path: Path) -> None:
    run = start(tmp_path / "run", configuration())
    told = rf"process {os.getpid()} on .* is training in this run"
    with run.locked(), pytest.raises(RunLockedError, match=told), run.locked():
        pass


@pytest.mark.usefixtures("without_locks")
def test_without_locks_the_first_of_two_stops(tmp_path: Path) -> None:
    """Both looked before either had noted itself."""
    run = start(tmp_path / "run", configuration())
    with run.locked():
        note = json.loads((run.path / OWNER).read_text())
        theirs = json.dumps({**note, "mark": "theirs"})
        (run.path / OWNER).write_text(theirs)
        with pytest.raises(LostDirectoryError):
            run.summarise(seed=1)
    assert (run.path / OWNER).read_text() == theirs, "what another one noted stays"


def test_another_error_of_a_lock_is_no_missing_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(tmp_path / "run", configuration())

    def fail(handle: int, operation: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="Input/output error"), run.locked():
        pass


def noted(run: RunDirectory, **changes: object) -> Process | None:
    """Who holds a run whose note differs from that of this process."""
    with run.locked():
        note = json.loads((run.path / OWNER).read_text())
        (run.path / OWNER).write_text(json.dumps({**note, **changes}))
        return lock_owner(run.path)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not say when a process began")
def test_a_number_that_is_in_use_again_is_another_process(tmp_path: Path) -> None:
    run = start(tmp_path / "run", configuration())
    assert noted(run) == Process.own()
    assert noted(run, started=Process.own().started - 1) is None
    assert noted(run, boot="another start of this machine") is None
    ended = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert noted(run, process=ended.pid, started=0) is None, "it has ended, though nobody has buried it"
    ended.wait()
    assert noted(run, host="elsewhere", process=1) == Process(1, "elsewhere", Process.own().boot, Process.own().started)


def test_a_copy_of_a_run_under_way_is_not_under_way(tmp_path: Path) -> None:
    run = start(tmp_path / "run", configuration())
    with run.locked():
        copy = Path(shutil.copytree(run.path, tmp_path / "copy"))
        assert (lock_owner(run.path), lock_owner(copy)) == (Process.own(), None)
