"""Trainings that are killed again and again, a disk that fills up, and processes that want the same directory."""

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from connprune.data.sources import load
from connprune.errors import InterruptedRunError, UsageError
from connprune.runs.directory import RunDirectory
from connprune.signals import Stop
from connprune.tensor_files import read_tensors
from connprune.training.configuration import Configuration
from connprune.training.run import split_data, train_run
from tests.conftest import TINY, Run
from tests.training.helpers import StopAfter, configuration, go_on, lasting, start

pytestmark = pytest.mark.slow

TRAININGS = 50
EPOCHS = 6
SETTINGS = (f"training.epochs={EPOCHS}", "training.checkpoint_minutes=1e-9", "training.on_nan=rollback")


def train_to_end(path: Path, chosen: Configuration, words: Path) -> None:
    """As the command does it: a signal ends the process with its code once the checkpoint is saved."""
    torch.set_num_threads(1)
    splits = split_data(chosen, load(chosen.data))
    try:
        with Stop() as stop:
            train_run(RunDirectory.open(path), chosen, splits, torch.device("cpu"), StopAfter(), stop)
    except InterruptedRunError as interruption:
        words.write_text(str(interruption))
        sys.exit(interruption.exit_code)


def is_of_the_step_that_was_told(run: RunDirectory, words: Path) -> bool:
    told = words.read_text()
    if "done and saved" in told:
        return run.is_finished
    progress = json.loads(read_tensors(run.checkpoint)[1]["progress"])
    if progress["epoch"] == EPOCHS:
        return "after the last epoch;" in told
    return f"in epoch {progress['epoch'] + 1} after step {progress['step']};" in told


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_fifty_trainings_stopped_at_random_end_as_one_that_was_not(tmp_path: Path, number: signal.Signals) -> None:
    """A checkpoint after every step, so that many a signal hits the moment of writing one."""
    chosen = configuration(*SETTINGS)
    whole = start(tmp_path / "whole", chosen)
    go_on(whole, chosen)
    expected = lasting(whole)
    context = multiprocessing.get_context("forkserver")
    # The first optimizer of a process would import the last of these, which takes longer than most of them live.
    context.set_forkserver_preload(["connprune.training.run", "tests.training.helpers", "torch._dynamo"])
    dice = random.Random(0)
    patience = [[dice.uniform(0.05, 1.5) for _ in range(200)] for _ in range(TRAININGS)]

    def stopped_until_done(place: int) -> int:
        run, words = start(tmp_path / str(place), chosen), tmp_path / f"{place}.txt"
        for stops, seconds in enumerate(patience[place]):
            process = context.Process(target=train_to_end, args=(run.path, chosen, words))
            process.start()
            # More and more of them, so that a slow machine gets on too.
            process.join(seconds * (1 + stops / 10))
            if process.exitcode is None and process.pid is not None:
                with suppress(ProcessLookupError):  # It may have ended in this very moment.
                    os.kill(process.pid, number)
            process.join()
            if process.exitcode == 0:
                assert lasting(run) == expected
                return stops
            # A signal before the training began to listen ends the process as it ends any. 255 is what multiprocessing
            # says of one whose end its fork server did not see.
            assert process.exitcode in (-number, 128 + signal.SIGTERM, 255)
            if process.exitcode == 128 + signal.SIGTERM:
                assert is_of_the_step_that_was_told(run, words)
        raise AssertionError("never done")

    with ThreadPoolExecutor(2) as pool:
        stops = list(pool.map(stopped_until_done, range(TRAININGS)))
    assert sum(stops) > TRAININGS


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system takes a privilege that this process lacks")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_loses_nothing(small_disk: Path, tmp_path: Path, connprune: Run) -> None:
    chosen = [*TINY, "--epochs", "8", "--set", "training.checkpoint_epochs=1"]
    whole = connprune("train", *chosen, "--run", "whole")
    assert whole.returncode == 0, whole.stderr
    for free in (900, 2500, 4200):
        run = small_disk / "run"
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * (8 * 2**20 - free * 2**10))
        full = connprune("train", *chosen, "--run", run)
        assert (full.returncode, full.stdout) == (1, "")
        assert re.search(r"the disk is full: this file needs [\d,]+ bytes, and [\d,]+ are free", full.stderr)
        assert not list(run.rglob("*.safetensors.*"))
        filler.unlink()
        resumed = connprune("train", "--resume", "--run", run, "--device", "cpu")
        assert resumed.returncode == 0, resumed.stderr
        assert lasting(RunDirectory.open(run))[2] == lasting(RunDirectory.open(tmp_path / "whole"))[2]
        shutil.rmtree(run)


def test_a_disk_that_cannot_be_written_is_named(small_disk: Path, connprune: Run) -> None:
    trained = connprune("train", *TINY, "--run", small_disk / "run")
    assert trained.returncode == 0, trained.stderr
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for command in (
        ["train", *TINY, "--run", small_disk / "other"],
        ["prune", small_disk / "run", "--keep", "20", "--out", small_disk / "cut"],
    ):
        refused = connprune(*command)
        assert refused.returncode == 1
        assert "Read-only file system" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert connprune("inspect", small_disk / "run").returncode == 0


@pytest.mark.parametrize("count", [2, 8])
def test_processes_that_make_runs_at_once_do_not_share_one(tmp_path: Path, connprune: Run, count: int) -> None:
    with ThreadPoolExecutor(count) as pool:
        done = list(pool.map(lambda seed: connprune("train", *TINY, "--seed", str(seed)), range(1, count + 1)))
    assert [process.returncode for process in done] == [0] * count
    paths = [Path(process.stdout.strip()) for process in done]
    assert len(set(paths)) == count
    for seed, path in enumerate(paths, 1):
        run = RunDirectory.open(tmp_path / path)
        assert run.is_finished
        assert f"seed: {seed}\n" in run.text(run.config)


@pytest.mark.parametrize("count", [2, 8])
def test_of_processes_that_want_one_directory_one_gets_it(tmp_path: Path, connprune: Run, count: int) -> None:
    with ThreadPoolExecutor(count) as pool:
        done = list(
            pool.map(lambda seed: connprune("train", *TINY, "--run", "mine", "--seed", str(seed)), range(1, count + 1))
        )
    winners = [seed for seed, process in enumerate(done, 1) if process.returncode == 0]
    assert len(winners) == 1
    for process in done:
        assert process.returncode in (0, 2)
        assert "Traceback" not in process.stderr
    run = RunDirectory.open(tmp_path / "mine")
    assert run.is_finished
    assert f"seed: {winners[0]}\n" in run.text(run.config)
    alone = connprune("train", *TINY, "--run", "alone", "--seed", str(winners[0]))
    assert alone.returncode == 0
    assert lasting(run)[2] == lasting(RunDirectory.open(tmp_path / "alone"))[2]


def test_a_lock_of_a_dead_process_is_no_lock(tmp_path: Path) -> None:
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    script = (
        "import os, sys, pathlib\n"
        "from connprune.runs.directory import RunDirectory\n"
        "with RunDirectory.open(pathlib.Path(sys.argv[1])).locked():\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(run.path)], check=False)
    assert (run.path / ".owner.json").exists()
    with run.locked(), pytest.raises(UsageError, match="is training in this run"):
        go_on(run, chosen)
    go_on(run, chosen)
    assert run.is_finished
