"""Several processes train as one would; one that dies ends the others; torchrun's restart finishes the job."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed as dist
from torch.profiler import ProfilerActivity, profile

from connprune.architecture.base import Shape
from connprune.bench.run import random_splits
from connprune.data.batches import Draws
from connprune.data.sources import load
from connprune.network import build
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import design, read_configuration, resolve
from connprune.training.evaluation import evaluate
from connprune.training.group import Processes
from connprune.training.run import load_network, split_data
from connprune.training.trainer import Trainer
from tests.conftest import PATIENCE

ALIKE = ("training.optimizer.rate=0.001", "layers.3.rate=0", "layers.7.rate=0", "head.dropout=0")
SCRIPT = Path(__file__).with_name("steps_of_a_group.py")
ROOT = Path(__file__).parents[2]


def launched(processes: int, *command: str, more: tuple[str, ...] = ()) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", *more]
    return [*launcher, *command]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE)


def steps(folder: Path, processes: int, *settings: str, count: int = 30) -> Any:
    file = folder / f"{processes}.json"
    script = [str(SCRIPT), str(file), str(count), *settings]
    done = run([sys.executable, *script] if processes == 1 else launched(processes, *script), folder)
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text())


@given(st.integers(1, 9), st.integers(1, 40))
def test_the_parts_are_the_batch(size: int, count: int) -> None:
    group = object.__new__(Processes)
    group.size = size
    draws = Draws(torch.arange(count), torch.zeros(count, 2), torch.zeros(count, 2))
    images, weights = [], 0.0
    for group.rank in range(size):
        part, share = group.part(draws)
        assert len(part.order) >= 1
        images += part.order.tolist() if share else []
        weights += share
        # The mean over processes weighs every image alike.
        assert share == 0 or share / len(part.order) == pytest.approx(size / count)
    assert sorted(images) == list(range(count))
    assert weights == pytest.approx(size)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    settings = ("data.train_images=333", "training.batch_size=50", *ALIKE)
    # Two epochs, of six batches each.
    one, two = (steps(tmp_path, processes, *settings, count=12) for processes in (1, 2))
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-6)
    assert two["gates"] == pytest.approx(one["gates"], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("aggregate", ["concat", "sum", "squeeze"])
def test_four_processes_train_as_one(tmp_path: Path, aggregate: str) -> None:
    """The last batch of an epoch has two images only, so that two processes get none."""
    settings = ("data.train_images=322", "training.batch_size=32", f"merge.aggregate={aggregate}", *ALIKE)
    one, four = steps(tmp_path, 1, *settings), steps(tmp_path, 4, *settings)
    assert four["losses"] == pytest.approx(one["losses"], rel=1e-6)
    assert four["gates"] == pytest.approx(one["gates"], rel=1e-6)


@pytest.mark.slow
def test_four_processes_train_as_one_by_any_recipe(tmp_path: Path) -> None:
    """Each process accumulates over as many parts, also in the last batch, in which two of them have no image."""
    settings = (
        "data.train_images=322",
        "training.batch_size=32",
        "training.accumulate=3",
        "training.class_weights=balanced",
        "training.label_smoothing=0.1",
        "training.clip_norm=0.5",
        "training.ema_decay=0.9",
        "data.augment.operations=[{kind: crop, padding: 1}, {kind: cutout, size: 2}, {kind: mixup}, {kind: cutmix}]",
        *ALIKE,
    )
    one, four = steps(tmp_path, 1, *settings), steps(tmp_path, 4, *settings)
    assert four["losses"] == pytest.approx(one["losses"], rel=1e-5)
    assert four["gates"] == pytest.approx(one["gates"], rel=1e-5)


EACH = "training.checkpoint_epochs=1"
TRAIN = ("-m", "--", "connprune", "train", "--preset", "digits", "--device", "cpu", "--set", "data.train_images=330")


@pytest.mark.slow
def test_a_run_of_two_processes_is_a_run(tmp_path: Path) -> None:
    """One line on stdout, one run, and one process can go on with it; its network is as good as the metrics say."""
    done = run(launched(2, *TRAIN, "--epochs", "2"), tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    directory = RunDirectory.open(tmp_path / line)
    assert directory.is_finished
    assert json.loads(directory.environment.read_text())["environments"][0]["processes"] == 2
    more = run([sys.executable, "-m", "connprune", "train", "--resume", "--epochs", "3", "--device", "cpu"], tmp_path)
    assert more.returncode == 0, more.stderr
    assert [epoch.epoch for epoch in directory.read_metrics()] == [1, 2, 3]
    # Each process moves the running statistics by its own part of the batches; the first one's are kept.
    normed = ("--set", "layers.0.norm=batch", "--set", "head.norm=batch")
    done = run(launched(2, *TRAIN, *normed, "--epochs", "2", "--run", "two"), tmp_path)
    assert done.returncode == 0, done.stderr
    two = RunDirectory.open(tmp_path / "two")
    splits = split_data(read_configuration(two), load(read_configuration(two).data))
    found, told = evaluate(load_network(two), splits.test), two.trained().final
    assert found.accuracy == told.test_accuracy
    assert found.loss == pytest.approx(told.test_loss, rel=1e-5)


def begin(folder: Path, *more: str) -> "subprocess.Popen[str]":
    command = launched(2, *TRAIN, "--epochs", "60", "--set", EACH, "--run", "mine", more=more)
    return subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_epoch(process: "subprocess.Popen[str]", epoch: int) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"epoch {epoch:>2}"):
            return
    pytest.fail("the training ended early")


def kill_one(process: "subprocess.Popen[str]") -> None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    ranks = [child for child in children if "connprune" in Path(f"/proc/{child}/cmdline").read_text()]
    os.kill(int(ranks[1]), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes in /proc")
def test_a_process_that_dies_ends_the_job_and_a_restart_finishes_it(tmp_path: Path) -> None:
    ended = begin(tmp_path)
    wait_for_epoch(ended, 3)
    kill_one(ended)
    killed_at = time.monotonic()
    out, err = ended.communicate(timeout=PATIENCE)
    assert time.monotonic() - killed_at < 30
    assert ended.returncode != 0
    assert out == ""
    assert "SIGKILL" in err or "exitcode  : -9" in err
    directory = RunDirectory.open(tmp_path / "mine")
    assert len(directory.read_metrics()) >= 3
    assert not directory.is_finished

    (tmp_path / "second").mkdir()
    restarted = begin(tmp_path / "second", "--max-restarts=1")
    wait_for_epoch(restarted, 3)
    kill_one(restarted)
    out, err = restarted.communicate(timeout=PATIENCE)
    assert restarted.returncode == 0, err
    assert "going on after epoch" in err
    again = RunDirectory.open(tmp_path / "second" / "mine")
    assert [epoch.epoch for epoch in again.read_metrics()] == list(range(1, 61))


@pytest.mark.slow
def test_a_signal_to_the_launcher_saves_a_checkpoint(tmp_path: Path) -> None:
    process = begin(tmp_path)
    wait_for_epoch(process, 2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    directory = RunDirectory.open(tmp_path / "mine")
    assert directory.summary.status == "interrupted"
    assert directory.checkpoint.exists()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """A group of this process alone."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    try:
        yield Processes()
    finally:
        dist.destroy_process_group()


def test_gradients_are_kept_once(processes: Processes) -> None:
    """In the buckets that are summed up over the processes, not beside them."""
    network = build(design(resolve("digits")))
    wrapped = processes.wrapped(network)
    wrapped(torch.zeros(2, 1, 8, 8, dtype=torch.uint8)).sum().backward()
    kept = [gradient for parameter in network.parameters() if (gradient := parameter.grad) is not None]
    rooms = {gradient.untyped_storage().data_ptr() for gradient in kept}
    assert len(rooms) < len(kept)


@pytest.mark.parametrize(
    ("setting", "sends"),
    [("gates.kind=sigmoid", False), ("layers.0.norm=batch", False), ("gates.kind=reinforce", True)],
)
def test_a_step_sends_buffers_only_where_it_reads_what_steps_moved(
    processes: Processes, setting: str, sends: bool
) -> None:
    chosen = resolve("digits", assignments=[setting])
    splits = random_splits(Shape(1, 8, 8), 10, count=64)
    trainer = Trainer(build(design(chosen)), splits, chosen.data.augment, chosen.training, pytest.fail, processes)
    step = trainer.endless_steps()
    # Before its second step torch sends once how it shares gradients out to buckets.
    for _ in range(2):
        step()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as seen:
        step()
    sent = [event.key for event in seen.key_averages() if "broadcast" in event.key and "gloo" in event.key]
    assert bool(sent) == sends


def test_what_a_process_keeps_saying_is_heard_without_asking_at_each_call(processes: Processes) -> None:
    calls = []
    for number in range(1, 6):
        heard = (processes.largest_soon(number) for _ in range(10**7))
        calls.append(next(call for call, found in enumerate(heard, 1) if found == number))
        assert processes.largest(number) == number
    assert max(calls) > 1
