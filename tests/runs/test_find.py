"""Which run a command means when none is named, and names that are carried from command to command."""

import io
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connprune.errors import UsageError
from connprune.files import sealed, write_json
from connprune.runs import environment
from connprune.runs.directory import RunDirectory
from connprune.runs.find import find, run_paths, runs_folder, stem_of
from connprune.runs.listing import rows
from tests.conftest import TINY, Command
from tests.training.helpers import StopAfter, configuration, go_on, start


def worked_on(run: RunDirectory, moment: datetime) -> None:
    write_json(run.summary_file, sealed({**run.summary.plain(), "updated": moment.isoformat()}))


def test_a_run_under_way_is_passed_over_and_told(tmp_path: Path) -> None:
    first, second = (start(tmp_path / name, configuration()) for name in ("first", "second"))
    told: list[str] = []

    def newest() -> Path:
        return find(None, tmp_path, "train", pass_over=True, warn=told.append).path

    assert newest() == second.path
    assert told == [], "one that was interrupted is not passed over: it would be cut unnoticed"
    with second.locked():
        assert newest() == first.path
        assert f"{second.path} is under way (process" in told[0]
        assert find(None, tmp_path, "train").path == second.path
        with first.locked():
            assert newest() == second.path, "there is no other"


def test_a_clock_that_was_set_back_is_told(tmp_path: Path) -> None:
    first, second = (start(tmp_path / name, configuration()) for name in ("first", "second"))
    told: list[str] = []
    worked_on(first, datetime.now(UTC) + timedelta(days=1))
    assert find(None, tmp_path, "train", warn=told.append).path == first.path
    assert f"{first.path} is taken as the newest, but it was worked on in the future" in told[0]
    worked_on(first, datetime.now(UTC) + timedelta(seconds=1))
    worked_on(second, datetime.now(UTC) - timedelta(days=1))
    find(None, tmp_path, "train", warn=told.append)
    assert len(told) == 1


def test_blanks_of_a_name_are_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(tmp_path / " a ", configuration())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{run.path}\n".encode())))
    assert find("-", tmp_path, "train").path == run.path


@pytest.mark.parametrize("name", ["a\nb", "a\r", "\n"])
def test_a_name_that_is_no_line_is_refused(command: Command, name: str, tmp_path: Path) -> None:
    for arguments in (("train", *TINY, "--run", name), ("train", *TINY, "--runs", name)):
        outcome = command(*arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert "it must hold no line break" in outcome.err
    with pytest.raises(UsageError, match="no line break"):
        start(tmp_path / name, configuration())


def test_a_home_in_a_variable_is_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONNPRUNE_RUNS", "~/x")
    assert runs_folder(None) == tmp_path / "x"
    assert runs_folder(Path("~")) == tmp_path
    with pytest.raises(UsageError, match="no such home folder"):
        runs_folder(Path("~nobody-at-all/x"))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("digits-20261124-144831", "digits"),
        ("digits-20261124-144831-2", "digits"),
        ("digits-cut-20261124-144831", "digits"),
        ("mine.yaml", "mine"),
        ("my net (2).yml", "my-net-2"),
        ("first", "first"),
        ("cut-20261124-144831", "cut"),
        ("...", "run"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_that_new_ones_take_over(name: str, stem: str) -> None:
    assert stem_of(Path(name)) == stem


def test_names_say_where_runs_come_from(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("preset: digits\ntraining: {epochs: 1}\ndata: {train_images: 100}\n")
    assert command("train", "--config", "mine.yaml").out.startswith("runs/mine-2")
    cut = command("prune", "--keep", "30").out.strip()
    assert cut.startswith("runs/mine-cut-2")
    assert command("retrain", cut).out.startswith("runs/mine-retrain-2")


def test_other_circumstances_are_told(tmp_path: Path) -> None:
    def record(threads: int, torch: str, precision: str = "float32") -> str | None:
        found = environment.environment("cpu", precision, 1, threads).model_copy(update={"packages": {"torch": torch}})
        return environment.record(tmp_path / "environment.json", found)

    assert record(1, "2.9") is None
    assert record(1, "2.9") is None
    assert "other CPU threads (was 1, now 2) than before" in (record(2, "2.9") or "")
    assert "other CPU threads (was 2, now 1), other torch (was 2.9, now 3.0)" in (record(1, "3.0") or "")
    assert "other precision (was float32, now tf32)" in (record(1, "3.0", precision="tf32") or "")
    (tmp_path / "environment.json").write_text("{")
    assert record(1, "3.0") is None


def test_another_number_of_threads_is_told_when_a_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    run, watcher = start(tmp_path / "run", configuration("training.epochs=1")), StopAfter()
    go_on(run, configuration("training.epochs=1"), watcher)
    assert not watcher.warnings
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    go_on(run, configuration("training.epochs=2"), watcher)
    assert any("now 77" in text for text in watcher.warnings)


def test_what_is_being_made_or_was_left_unfinished_is_no_run_yet(tmp_path: Path) -> None:
    start(tmp_path / ".x-cut.3.partial", configuration())
    assert run_paths(tmp_path) == []
    assert [row.path for row in rows([tmp_path])] == []
    with pytest.raises(UsageError, match="There is no train run"):
        find(None, tmp_path, "train")
    run = start(tmp_path / "x", configuration())
    assert find(None, tmp_path, "train").path == run.path
    assert run_paths(tmp_path / "nowhere") == []
