"""TensorBoard events, read with TensorBoard's own reader."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from connprune.errors import InterruptedRunError
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration, resolve_resumed
from connprune.training.layered import Setting
from tests.conftest import TINY, Command
from tests.training.helpers import StopAfter, configuration, go_on, lasting, start, train

pytest.importorskip("tensorboard")

EVENTS = "run.tensorboard=true"


@pytest.fixture(autouse=True)
def as_many_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of one second are read in the order of their numbers as text, and one process makes them all here."""
    from tensorboard.summary.writer import event_file_writer

    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(100))


def read(run: RunDirectory) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run.tensorboard), size_guidance={"scalars": 0, "histograms": 0})
    found.Reload()
    return found


def scalars(found: Any, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in found.Scalars(tag)]


def test_they_say_what_the_run_recorded(tmp_path: Path) -> None:
    run = train(tmp_path / "run", EVENTS)
    found, metrics, gates = read(run), run.read_metrics(), run.read_gates()
    for tag, key in {
        "loss/train": "train_loss",
        "loss/validation": "validation_loss",
        "accuracy/train": "train_accuracy",
        "accuracy/validation": "validation_accuracy",
        "learning_rate/weights": "rate",
        "learning_rate/gates": "gate_rate",
        "penalty/coefficient": "penalty",
        "penalty/gates_closed": "gates_closed",
    }.items():
        steps, values = zip(*scalars(found, tag), strict=True)
        assert steps == (1, 2, 3)
        assert values == pytest.approx([getattr(epoch, key) for epoch in metrics])
    for number, connection in enumerate(gates.connections):
        steps, values = zip(*scalars(found, f"gate/{connection.source}-to-{connection.target}"), strict=True)
        assert steps == (0, 1, 2, 3)
        assert np.array_equal(np.array(values, np.float32), gates.by_connection()[:, number])
    assert [event.step for event in found.Histograms("gates")] == [0, 1, 2, 3]


@pytest.mark.parametrize("stops", [(1,), (7, 3), (14,)])
def test_an_interrupted_run_has_no_epoch_twice(tmp_path: Path, stops: tuple[int, ...]) -> None:
    chosen = configuration(EVENTS, "gates.sharing=per-feature-map")
    whole, run = start(tmp_path / "whole", chosen), start(tmp_path / "run", chosen)
    go_on(whole, chosen)
    for steps in stops:
        with pytest.raises(InterruptedRunError):
            go_on(run, chosen, StopAfter(steps))
    go_on(run, chosen)
    expected, found = read(whole), read(run)
    assert found.Tags() == expected.Tags()
    for tag in expected.Tags()["scalars"]:
        assert scalars(found, tag) == scalars(expected, tag)


def test_what_a_killed_run_wrote_after_its_checkpoint_counts_no_more(tmp_path: Path) -> None:
    """Two epochs after the checkpoint are in the log when the run goes on from the epoch before them."""
    chosen = configuration(EVENTS, "training.checkpoint_epochs=3", "training.epochs=5")
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(5))
    shutil.copy(run.checkpoint, tmp_path / "before")
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(12))
    shutil.copy(tmp_path / "before", run.checkpoint)
    go_on(run, chosen)
    assert [step for step, _ in scalars(read(run), "loss/train")] == [1, 2, 3, 4, 5]


def test_they_change_nothing_of_the_training(tmp_path: Path) -> None:
    without, with_events = train(tmp_path / "without"), train(tmp_path / "with", EVENTS)
    assert lasting(without) == lasting(with_events)
    assert not without.tensorboard.exists()


def test_they_can_be_turned_on_later(tmp_path: Path) -> None:
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(7))
    go_on(run, resolve_resumed(run, None, None, map(Setting.read, [EVENTS])))
    assert [step for step, _ in scalars(read(run), "loss/train")] == [2, 3]
    assert read_configuration(run).run.tensorboard
    assert lasting(run) == lasting(train(tmp_path / "whole"))


def test_networks_without_gates_have_events_too(tmp_path: Path) -> None:
    found = read(train(tmp_path / "run", EVENTS, "gates=none"))
    assert found.Tags()["histograms"] == []
    assert not [tag for tag in found.Tags()["scalars"] if "gate" in tag]
    assert len(scalars(found, "accuracy/validation")) == 3


def test_a_missing_package_is_said_before_anything_is_made(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(
        "connprune.training.events.find_spec", lambda name: None if name == "tensorboard" else there(name)
    )
    outcome = command("train", *TINY, "--set", EVENTS)
    assert (outcome.code, outcome.out) == (2, "")
    assert "pip install 'connprune[tensorboard]'" in outcome.err
    assert not list(tmp_path.iterdir())
