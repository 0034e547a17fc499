"""One command for a job that may start or go on: `--resume` begins what is not there yet."""

from pathlib import Path

import pytest

from connprune.documents.run import Summary
from connprune.runs.directory import RunDirectory
from connprune.runs.links import write_document
from tests.conftest import TINY, Command


def test_the_same_command_starts_and_goes_on(command: Command, tmp_path: Path) -> None:
    line = ("train", *TINY, "--resume", "--run", "mine")
    first = command(*line)
    assert first.code == 0, first.err
    assert "there is nothing to go on with in mine yet: a new training begins" in first.err
    created = RunDirectory(Path("mine")).summary.created
    again = command(*line)
    assert again.code == 0
    assert again.err.startswith("after epoch 2: ")
    assert RunDirectory(Path("mine")).summary.created == created
    other = command(*line, "--set", "gates.penalty=0.5")
    assert other.code == 2
    assert "gates.penalty" in other.err


def test_the_newest_is_begun_where_there_is_none(command: Command) -> None:
    assert command("train", *TINY, "--resume").code == 0
    assert command("train", *TINY, "--resume").code == 0
    assert len(list(Path("runs").iterdir())) == 1


@pytest.mark.parametrize("arguments", [("--run", "tpyo"), (), ("--run", "tpyo", "--epochs", "3")])
def test_a_mistyped_path_trains_nothing(command: Command, arguments: tuple[str, ...]) -> None:
    assert command("train", "--resume", *arguments).code == 2
    assert not Path("tpyo").exists()


def test_what_is_no_run_is_not_begun_over(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    outcome = command("train", *TINY, "--resume", "--run", "mine")
    assert outcome.code == 2
    assert "mine: expected an empty or a new directory" in outcome.err


def test_a_run_says_where_it_comes_from_as_soon_as_it_is_one(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may be killed after any write."""
    assert command("train", *TINY, "--run", "first").code == 0
    assert command("prune", "first", "--keep", "20", "--out", "cut").code == 0
    seen: list[Summary] = []

    def noted(file: Path, found: Summary) -> None:
        seen.append(found)
        write_document(file, found)

    monkeypatch.setattr("connprune.runs.summary.write_document", noted)
    assert command("train", *TINY, "--run", "second").code == 0
    assert command("retrain", "cut", "--epochs", "1", "--device", "cpu", "--run", "again").code == 0
    assert seen
    assert all(found.data_digest and found.origin for found in seen)
    assert all(found.cut and found.cut_digest for found in seen if found.kind == "retrain")


def test_retraining_starts_and_goes_on(command: Command) -> None:
    command("train", *TINY, "--run", "runs/first")
    command("prune", "--keep", "20", "--out", "runs/cut")
    line = ("retrain", "runs/cut", "--epochs", "1", "--resume", "--run", "runs/again", "-q")
    assert [command(*line).out, command(*line).out] == ["runs/again\n"] * 2
    command("prune", "runs/first", "--keep", "30", "--out", "runs/other")
    refused = command("retrain", "runs/other", "--epochs", "2", "--resume", "--run", "runs/again")
    assert refused.code == 2
    assert "this differs: CUT (was" in refused.err
    assert "training.epochs (was 1, now 2)" in refused.err
    compared = ("retrain", "runs/cut", "--against", "chain", "--epochs", "1", "-q")
    assert command(*compared, "--resume").out == command(*compared).out == command(*compared, "--resume").out
