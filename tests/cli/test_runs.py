"""`connprune runs`: what became of each run, whatever lies between them."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connprune.files import OWNER, sealed, write_json
from connprune.processes import Process
from connprune.report.runs import age
from connprune.runs.directory import RunDirectory
from connprune.runs.lock import lock_owner
from tests.conftest import TINY, Command, Outcome


@pytest.fixture
def listed(command: Command):  # type: ignore[no-untyped-def]
    """The rows of `connprune runs --json`, by the names of the directories."""

    def rows(*arguments: str) -> dict[str, Any]:
        outcome = command("runs", *arguments, "--json")
        assert outcome.code == 0, outcome.err
        assert outcome.json["schema"] == 2
        return {Path(row["path"]).name: row for row in outcome.json["runs"]}

    return rows


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_search_its_cut_and_the_retrained(command: Command, listed) -> None:  # type: ignore[no-untyped-def]
    command("train", *TINY, "--run", "runs/first")
    command("prune", "--keep", "20", "--out", "runs/second")
    command("retrain", "--run", "runs/third")
    found = listed()
    assert list(found) == ["third", "second", "first"], "the one that was worked on last comes first"
    runs = {name: RunDirectory(Path("runs") / name) for name in found}
    for name in ("first", "third"):
        assert (found[name]["status"], found[name]["done"], found[name]["total"]) == ("done", 2, 2)
        for part in ("validation_accuracy", "test_accuracy"):
            assert found[name][part] == getattr(runs[name].trained().final, part)
    cut = json.loads(Path("runs/second/cut.json").read_text())
    assert found["second"]["connections"] == cut["after"]["connections"] < cut["before"]["connections"] == 45
    assert [found[name]["connections_before"] for name in found] == [45, 45, 45]
    assert found["third"]["parameters"] < found["second"]["parameters"] < found["first"]["parameters"]


def test_tables_for_people_and_for_spreadsheets(command: Command) -> None:
    command("train", *TINY, "--run", "runs/first")
    lines = command("runs").out.splitlines()
    assert lines[0].split()[:4] == ["run", "kind", "status", "done"]
    assert max(map(len, lines)) <= 80
    assert lines[1].split()[:4] == ["runs/first", "train", "done", "2/2"]
    rows = list(csv.DictReader(io.StringIO(command("runs", "--csv").out)))
    assert [(row["path"], row["done"], row["problem"]) for row in rows] == [("runs/first", "2", "")]


def test_what_runs_come_from(command: Command, listed, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    command("train", *TINY, "--run", "runs/first")
    command("prune", "--keep", "20", "--out", "runs/second")
    command("retrain", "--run", "runs/third", "--seed", "5")
    found = listed()
    assert [(row["origin"], row["data"]) for row in found.values()] == [("digits", "digits")] * 3
    assert [found[name]["seed"] for name in ("first", "second", "third")] == [1337, 1337, 5]
    assert [Path(found[name]["parent"] or "-").name for name in ("first", "second", "third")] == [
        "-",
        "first",
        "second",
    ]
    assert "20" in found["second"]["rule"]
    monkeypatch.setenv("COLUMNS", "200")
    assert {"parent", "rule", "from", "data", "seed"} <= set(command("runs").out.splitlines()[0].split())
    monkeypatch.setenv("COLUMNS", "20")
    assert command("runs").out.splitlines()[0].split() == ["run", "kind", "status", "done", "test"]


def test_who_works_in_a_run(command: Command, listed) -> None:  # type: ignore[no-untyped-def]
    command("train", *TINY, "--run", "runs/first")
    run = RunDirectory(Path("runs/first"))
    run.begin(epochs=9)
    with run.locked():
        held = listed()["first"]
        assert (held["status"], held["owner"]) == ("running", f"process {os.getpid()}")
        assert (held["done"], held["total"]) == (2, 9)
        assert f"running (process {os.getpid()})" in command("runs").out
    assert listed()["first"]["status"] == "interrupted"
    killed = {"process": dead_process(), "host": os.uname().nodename, "since": "then"}
    (run.path / OWNER).write_text(json.dumps(killed))
    assert (listed()["first"]["status"], listed()["first"]["owner"]) == ("interrupted", None)
    (run.path / OWNER).write_text(json.dumps({**killed, "host": "another"}))
    assert listed()["first"]["owner"] == f"process {killed['process']} on another"
    assert str(Process(1, "an\x1b[2Jother")) == r"process 1 on an\x1b[2Jother"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"process": "x"}', '{"process": -1, "host": "%s"}', "\0"])
def test_notes_of_owners_that_mean_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / OWNER).write_text(text.replace("%s", os.uname().nodename))
    assert lock_owner(tmp_path) is None


def test_what_is_damaged_or_no_run_has_a_row(command: Command, listed, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    command("train", *TINY, "--run", "runs/good")
    command("prune", "--keep", "20", "--out", "runs/cut")
    for name, text in {"bytes": b"\xff\xfe", "list": b"[]", "unsealed": b'{"kind": "train"}', "empty": b""}.items():
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "summary.json").write_bytes(text)
    (tmp_path / "runs" / "cut" / "cut.json").write_text("{}")
    (tmp_path / "runs" / "photos").mkdir()
    (tmp_path / "runs" / ".hidden").mkdir()
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    found = listed()
    assert {name: row["status"] for name, row in found.items()} == {
        "good": "done",
        "cut": "damaged",
        "photos": "no run",
        **dict.fromkeys(("bytes", "list", "unsealed", "empty"), "damaged"),
    }
    assert all(row["problem"] for row in found.values() if row["status"] != "done")
    outcome = command("runs")
    assert outcome.code == 0
    assert len(outcome.out.splitlines()) == 8
    assert "(4 more are damaged)" in outcome.err


def test_what_a_stranger_left_breaks_no_list(command: Command, listed, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Names that a terminal would obey, a kind that there is not, and a number that is none."""
    summaries = {
        "new\n\x1b[2J": {"schema": 2, "kind": "train", "status": "failed"},
        "future": {"schema": 2, "kind": "dream\x1b[2J", "status": "finished"},
        "endless": {"schema": 2, "kind": "train", "status": "failed"},
    }
    for name, summary in summaries.items():
        (tmp_path / "runs" / name).mkdir(parents=True)
        write_json(tmp_path / "runs" / name / "summary.json", sealed(summary))
    (tmp_path / "runs" / "endless" / "metrics.jsonl").write_text('{"validation_accuracy": NaN}\n')
    found = listed()
    assert {name: row["status"] for name, row in found.items()} == {
        "new\n\x1b[2J": "failed",
        "future": "damaged",
        "endless": "failed",
    }
    assert "kind: Input should be 'train', 'retrain'" in found["future"]["problem"]
    assert found["endless"]["validation_accuracy"] is None
    outcome = command("runs")
    assert len(outcome.out.splitlines()) == 4
    assert r"runs/new\n\x1b[2J" in outcome.out
    assert "\x1b" not in outcome.out + outcome.err


def test_an_experiment_and_its_trainings(command: Command, listed) -> None:  # type: ignore[no-untyped-def]
    command("train", *TINY, "--run", "runs/first")
    command("prune", "--keep", "20")
    path = command("retrain", "--against", "chain", "--epochs", "1", "--device", "cpu").out.strip()
    row = listed()[Path(path).name]
    assert (row["kind"], row["status"], row["done"], row["total"]) == ("comparison", "done", 2, 2)
    assert [row["kind"] for row in listed(path).values()] == ["retrain"]
    assert len(command("runs", path, "--json").json["runs"]) == 2


def test_nothing_to_list(command: Command, tmp_path: Path) -> None:
    assert_nothing(command("runs"))
    (tmp_path / "runs").mkdir()
    assert_nothing(command("runs"))
    assert command("runs", "--json").json == {"schema": 2, "kind": "runs", "runs": []}


def assert_nothing(outcome: Outcome) -> None:
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "there are no runs in runs\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere: expected a folder of runs"),
        (["--csv", "--json"], "--csv and --json"),
        (["one", "--runs", "other"], "Give DIR or --runs, found both"),
    ],
)
def test_refusals(command: Command, arguments: list[str], told: str) -> None:
    outcome = command("runs", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_ages() -> None:
    now = datetime(2020, 1, 2, tzinfo=UTC)
    ages = {timedelta(seconds=3): "3 s", timedelta(minutes=59): "59 min", timedelta(hours=2): "2 h"}
    for passed, text in {**ages, timedelta(days=400): "400 d", -timedelta(hours=1): "0 s"}.items():
        assert age((now - passed).isoformat(), now) == text
    assert age(None, now) == age("yesterday", now) == "-"
    assert age("2020-01-01T23:00:00", now) == "1 h"
