"""The Python interface does what the commands do."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

import connprune as cp
from connprune.documents.epoch import EpochMetrics
from connprune.errors import DisconnectedError, UsageError
from connprune.interface.runs import PrunedRun, Run
from tests.conftest import TINY, Command

SETTINGS = {"data.train_images": 160, "training.epochs": 2, "gates.penalty": 3e-3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def seen() -> list[EpochMetrics]:
    return []


@pytest.fixture(scope="module")
def run(folder: Path, seen: list[EpochMetrics]) -> Run:
    return cp.train(cp.config("digits", SETTINGS), path=folder / "mine", device="cpu", progress=seen.append)


@pytest.fixture(scope="module")
def cut(run: Run) -> PrunedRun:
    return run.prune(cp.Keep(30), device="cpu")


def test_a_training_is_that_of_the_command(
    run: Run, seen: list[EpochMetrics], command: Command, tmp_path: Path
) -> None:
    assert [each.epoch for each in seen] == [1, 2]
    assert run.metrics == seen
    outcome = command("train", *TINY, "--set", "gates.penalty=0.003", "--run", "theirs", "--json")
    assert run.summary.final.plain() == outcome.json["final"]
    ours, theirs = run.directory.final_weights(), cp.open_run(tmp_path / "theirs").directory.final_weights()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_cut_is_that_of_the_command(run: Run, cut: PrunedRun, command: Command) -> None:
    outcome = command("prune", run.path, "--keep", "30", "--device", "cpu", "--dry-run", "--json")
    theirs = {key: outcome.json[key] for key in ("chosen", "followed", "removed_layers", "before", "after")}
    assert {key: cut.report.plain()[key] for key in theirs} == theirs
    assert len(cut.architecture.gated_connections) <= 30
    assert sum(each.numel() for each in cut.network.parameters()) == cut.report.after.parameters
    assert cut.path.parent == run.path.parent
    assert isinstance(cp.open_run(cut.path), PrunedRun)
    assert type(cp.open_run(run.path)) is Run
    by_hand = cp.shrink(run.network, cp.Keep(30))
    images = torch.randint(256, (3, *run.network.mean.shape))
    torch.testing.assert_close(by_hand(images), cut.network(images))


def test_a_cut_beside_its_parent(cut: PrunedRun, folder: Path) -> None:
    done: list[tuple[object, ...]] = []
    again = {"against": ["parent"], "seeds": [7], "epochs": 1, "device": "cpu"}
    retrained = cut.retrain(**again, progress=lambda *each: done.append(each))  # type: ignore[arg-type]
    assert [(name, seed) for name, seed, *_ in done] == [("cut", 7), ("parent", 7)]
    assert retrained.document.seeds == (7,)
    assert [row.network for row in retrained.rows] == ["cut", "parent"]
    assert len(retrained.verdicts) == 1
    assert retrained.path.parent == folder
    done.clear()
    assert cut.retrain(**again, progress=lambda *each: done.append(each)).rows[0].network == "cut"  # type: ignore[arg-type]
    assert not done
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = retrained.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.index) == ["cut", "parent"]
    assert frame.loc["cut", "test_accuracy"] == retrained.rows[0].test_accuracy


def test_a_fine_tuned_cut_begins_with_its_weights(cut: PrunedRun) -> None:
    retrained = cut.retrain(start="cut", epochs=1, device="cpu")
    (row,) = retrained.rows
    assert row.parameters <= cut.report.after.parameters


def test_a_cut_may_be_asked_for_by_what_it_may_lose(run: Run) -> None:
    cut = run.prune(cp.Limited(points=100), device="cpu")
    assert cut.report.after.parameters < cut.report.before.parameters


def test_what_ended_is_not_trained_again(run: Run) -> None:
    before = run.directory.digest()
    assert cp.resume(run.path, device="cpu").directory.digest() == before


def test_a_training_that_its_callback_ended_goes_on(tmp_path: Path) -> None:
    def stop(epoch: EpochMetrics) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        cp.train(cp.config("digits", SETTINGS), path=tmp_path / "run", device="cpu", progress=stop)
    seen: list[EpochMetrics] = []
    run = cp.resume(tmp_path / "run", device="cpu", progress=seen.append)
    assert run.summary.final.epoch == 2
    assert [each.epoch for each in run.metrics] == [1, 2]


def test_a_thread_of_ones_own_may_train(tmp_path: Path) -> None:
    """Only the main thread can be told of signals."""
    made: list[Run] = []
    config = cp.config("digits", {**SETTINGS, "training.epochs": 1, "data.train_images": 100})
    thread = threading.Thread(target=lambda: made.append(cp.train(config, path=tmp_path / "run", device="cpu")))
    thread.start()
    thread.join()
    assert made[0].summary.status == "finished"


def test_presets_and_configurations() -> None:
    assert "digits" in cp.presets()
    config = cp.config("digits", {"gates.penalty": 3e-3, "training.epochs": 7})
    assert (config.gates and config.gates.penalty, config.training.epochs) == (3e-3, 7)
    with pytest.raises(UsageError, match=r"preset: found 'digit', expected one of .*did you mean 'digits'"):
        cp.config("digit")
    with pytest.raises(UsageError, match=r"training\.epochs: .*0"):
        cp.config("digits", {"training.epochs": 0})
    with pytest.raises(UsageError, match="settings: found 'epochs=3', expected values by their keys"):
        cp.config("digits", "epochs=3")  # type: ignore[arg-type]


def test_bad_arguments(run: Run, cut: PrunedRun, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="rule: found none, expected one"):
        run.prune()
    with pytest.raises(UsageError, match="by: found 'gates', expected one of"):
        run.prune(cp.Keep(3), by="gates")
    with pytest.raises(UsageError, match="granularity: found 'layer', expected one of"):
        run.prune(cp.Keep(3), granularity="layer")  # type: ignore[arg-type]
    with pytest.raises(DisconnectedError):
        run.prune(cp.Keep(0))
    with pytest.raises(UsageError, match="against: found 'parent', expected a list of names"):
        cut.retrain(against="parent")
    with pytest.raises(UsageError, match=r"start: found 'parent', expected one of scratch, cut, early"):
        cut.retrain(start="parent")  # type: ignore[arg-type]
    for seeds in (0, [], [1, 1], [-1]):
        with pytest.raises(UsageError, match="seeds: found"):
            cut.retrain(seeds=seeds)
    with pytest.raises(UsageError, match="there is no such run"):
        cp.open_run(tmp_path / "nothing")
    with pytest.raises(UsageError, match="configuration: found 'digits', expected what"):
        cp.train("digits")  # type: ignore[arg-type]


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import connprune; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["__future__", "connprune"]


def test_every_public_name_is_there() -> None:
    assert all(hasattr(cp, name) for name in cp.__all__)
    assert set(cp.__all__) <= set(dir(cp))
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        cp.trian  # noqa: B018
