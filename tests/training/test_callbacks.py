"""What is told of a training while it goes."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Trained
from connprune.errors import InterruptedRunError, UsageError
from connprune.runs.directory import RunDirectory
from connprune.training.callbacks import CALLBACKS, Callback, Watched
from connprune.training.trackers import parameters
from tests.conftest import TINY, Run
from tests.training.helpers import StopAfter, configuration, go_on, lasting, start, train

TOLD: list[tuple[str, Any]] = []


class Listening(Callback):
    name = "listening"

    def __init__(self, training: Watched) -> None:
        super().__init__(training)
        TOLD.append(("begin", training.done))

    def on_epoch(self, epoch: EpochMetrics) -> None:
        TOLD.append(("epoch", epoch))
        # Nothing that it draws may change the training.
        torch.rand(10)

    def on_end(self, summary: Trained) -> None:
        TOLD.append(("end", summary))

    def close(self) -> None:
        TOLD.append(("close", None))


class Failing(Listening):
    name = "failing"

    def on_epoch(self, epoch: EpochMetrics) -> None:
        TOLD.append(("failed", epoch.epoch))
        raise RuntimeError("no network\nand more")


class Unable(Callback):
    name = "unable"

    def __init__(self, training: Watched) -> None:
        raise RuntimeError("not logged in")


class Lacking(Callback):
    name = "lacking"
    package = "a_package_that_nobody_has"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(CALLBACKS, "_parts", dict(CALLBACKS._parts))
    for callback in (Listening, Failing, Unable, Lacking):
        CALLBACKS.register(callback)
    TOLD.clear()
    yield
    TOLD.clear()


def test_a_callback_is_told_of_every_epoch_and_of_the_end_and_changes_nothing(tmp_path: Path) -> None:
    run = train(tmp_path / "run", "run.callbacks=[listening]", "training.epochs=2")
    assert [
        ("begin", 0),
        *(("epoch", epoch) for epoch in run.read_metrics()),
        ("end", run.trained()),
        ("close", None),
    ] == TOLD
    assert lasting(run) == lasting(train(tmp_path / "other", "training.epochs=2"))


def test_a_callback_is_told_of_an_interruption_and_where_the_training_resumes(tmp_path: Path) -> None:
    chosen = configuration("run.callbacks=[listening]")
    run = start(tmp_path / "run", chosen)
    # In the second of three epochs.
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(7))
    assert [what for what, _ in TOLD] == ["begin", "epoch", "close"]
    TOLD.clear()
    go_on(run, chosen)
    assert [what for what, _ in TOLD] == ["begin", "epoch", "epoch", "end", "close"]
    assert (TOLD[0][1], TOLD[1][1].epoch) == (1, 2)


def test_a_callback_that_fails_is_told_no_more_and_the_training_goes_on(tmp_path: Path) -> None:
    chosen = configuration("run.callbacks=[failing, listening]", "training.epochs=2")
    watcher = StopAfter()
    run = start(tmp_path / "run", chosen)
    go_on(run, chosen, watcher)
    assert run.is_finished
    assert [what for what, _ in TOLD] == ["begin", "begin", "failed", "epoch", "epoch", "end", "close"]
    (warning,) = watcher.warnings
    assert warning == (
        "run.callbacks: failing failed in on_epoch, so it is told no more; the training goes on: "
        "RuntimeError: no network"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("[unable]", "run.callbacks: unable cannot begin: RuntimeError: not logged in."),
        ("[wandbb]", "run.callbacks.0: found 'wandbb', expected one of"),
        ("[listening, listening]", "run.callbacks.1: found 'listening', expected each callback once"),
        ("[lacking]", "install it with `pip install 'connprune[lacking]'`"),
    ],
)
def test_a_callback_that_cannot_be_is_refused_before_the_first_epoch(tmp_path: Path, names: str, message: str) -> None:
    chosen = configuration(f"run.callbacks={names}")
    with pytest.raises(UsageError) as refused:
        go_on(start(tmp_path / "run", chosen), chosen)
    assert message in str(refused.value)
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_parameters_are_values_by_their_keys() -> None:
    found = dict(parameters({"a": {"b": 1, "c": None}, "layers": [{"kind": "conv"}], "none": []}))
    assert found == {"a.b": "1", "layers": "[{'kind': 'conv'}]"}


def tracked(connprune: Run, folder: Path, name: str) -> RunDirectory:
    """A run that a tracker was told of; what it says goes nowhere but to standard error."""
    done = connprune("train", *TINY, "--set", f"run.callbacks=[{name}]", "--run", "mine")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "mine\n"
    assert "run.callbacks" not in done.stderr
    return RunDirectory.open(folder / "mine")


@pytest.mark.slow
def test_what_weights_and_biases_keeps(connprune: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed: pip install 'connprune[wandb]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    run = tracked(connprune, tmp_path, "wandb")
    (file,) = run.path.glob("wandb/offline-run-*/run-*.wandb")
    history, summary = list[dict[str, Any]](), dict[str, Any]()
    begun: Any = None
    ended: Any = None
    for record in records(file):
        match record.WhichOneof("record_type"):
            case "history":
                history.append({items_key(item): json.loads(item.value_json) for item in record.history.item})
            case "summary":
                summary |= {items_key(item): json.loads(item.value_json) for item in record.summary.update}
            case "run":
                begun = begun or record.run
            case "exit":
                ended = record.exit.exit_code
    assert begun.project == "mine"
    assert begun.display_name == "mine"
    told = {item.key: json.loads(item.value_json) for item in begun.config.update}
    assert told["training"]["epochs"] == 2
    for kept, epoch in zip(history, run.read_metrics(), strict=True):
        assert epoch.plain().items() <= kept.items()
    assert summary["final_test_accuracy"] == run.trained().final.test_accuracy
    assert ended == 0


def items_key(item: Any) -> str:
    return item.key or ".".join(item.nested_key)


def records(file: Path) -> Iterator[Any]:
    """What a file of W&B holds: after 7 bytes a log as LevelDB writes it, in blocks of 32 KiB."""
    record_class = import_module("wandb.proto.wandb_internal_pb2").Record

    data, at, parts = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        # Whole, or the last of several.
        if kind in (1, 4):
            record = record_class()
            record.ParseFromString(parts)
            parts = b""
            yield record


@pytest.mark.slow
def test_what_mlflow_keeps(connprune: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow.version", reason="mlflow is not installed: pip install 'connprune[mlflow]'")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    # Files, which need no database.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    run = tracked(connprune, tmp_path, "mlflow")
    (kept,) = (path.parent for path in (tmp_path / "mlruns").glob("*/*/metrics"))
    for key in ("train_loss", "validation_accuracy", "gates_closed"):
        lines = [line.split() for line in (kept / "metrics" / key).read_text().splitlines()]
        assert [(float(value), int(step)) for _, value, step, *_ in lines] == [
            (getattr(epoch, key), epoch.epoch) for epoch in run.read_metrics()
        ]
    assert (kept / "params" / "training.epochs").read_text() == "2"
    assert float((kept / "metrics" / "final_test_accuracy").read_text().split()[1]) == run.trained().final.test_accuracy
    meta = (kept / "meta.yaml").read_text()
    assert "run_name: mine" in meta
    assert "status: 3" in meta
    # A run that is resumed goes on there.
    done = connprune("train", "--resume", "--run", "mine", "--epochs", "3")
    assert done.returncode == 0, done.stderr
    assert "run.callbacks" not in done.stderr
    steps = [line.split()[2] for line in (kept / "metrics" / "train_loss").read_text().splitlines()]
    assert steps == ["1", "2", "3"]
