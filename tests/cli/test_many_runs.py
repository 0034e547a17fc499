"""`connprune runs --sort --filter`, `runs diff` and `runs rm`."""

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connprune.architecture import Architecture
from connprune.documents.run import EpochResults
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import design, resolve
from tests.conftest import Command


@cache
def network(*settings: str) -> tuple[str, Architecture]:
    """The configuration of the digits with these settings, and its network."""
    configuration = resolve(preset="digits", assignments=settings)
    architecture = design(configuration)
    return configuration.to_yaml(architecture), architecture


def made(path: Path, *settings: str, kind: Any = "train", accuracy: float | None = None, **notes: Any) -> Path:
    """A run as a training of the digits would begin it, or leave it."""
    run = RunDirectory.create(path, kind, *network(*settings), **notes)
    if accuracy is not None:
        results = EpochResults(
            epoch=3, validation_loss=1.0, validation_accuracy=accuracy, test_loss=1.0, test_accuracy=accuracy
        )
        trained = {
            "status": "finished",
            "data": "digits",
            "data_digest": "0",
            "classes": ("a", "b"),
            "training_seconds": accuracy,
            **dict.fromkeys(("epochs", "connections", "gated_connections", "layers", "parameters", "macs"), 3),
            **dict.fromkeys(("final", "best"), results),
        }
        run.summarise(**trained)
    return path.resolve()


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("four")
    made(folder / "low", "training.optimizer.rate=0.1", accuracy=0.5)
    made(folder / "high", "training.optimizer.rate=0.001", "training.seed=5", accuracy=0.9)
    made(folder / "middle", "training.optimizer.kind=sgd", "training.optimizer.rate=0.01", accuracy=0.7)
    made(folder / "begun", "training.optimizer.rate=3")
    (folder / "photos").mkdir()
    return folder


@pytest.fixture(scope="module")
def relatives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search, its cut, what was retrained from that, and an experiment on it."""
    folder = tmp_path_factory.mktemp("relatives")
    first = made(folder / "first", accuracy=0.5)
    cut = made(folder / "cut", kind="cut", status="finished", parent=str(first))
    made(folder / "again", kind="retrain", cut=str(cut))
    made(folder / "compared", kind="comparison", status="planned")
    made(folder / "compared/jobs/cut/seed-1", kind="retrain", cut=str(cut))
    return folder


@pytest.fixture
def several(command: Command, four: Path) -> Command:
    shutil.copytree(four, "runs")
    return command


@pytest.fixture
def family(command: Command, relatives: Path) -> Command:
    shutil.copytree(relatives, "runs")
    return command


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--sort", "-test"], ["high", "middle", "low", "begun", "photos"]),
        (["--sort", "test_accuracy"], ["low", "middle", "high", "begun", "photos"]),
        (["--sort", "training.optimizer.rate"], ["high", "middle", "low", "begun", "photos"]),
        (["--sort", "path"], ["begun", "high", "low", "middle", "photos"]),
        (["--filter", "test>=70%", "--sort", "test"], ["middle", "high"]),
        (["--filter", "test<0.7"], ["low"]),
        (["--filter", "training.optimizer.rate>=1e-2", "--filter", "status=done"], ["middle", "low"]),
        (["--filter", "training.optimizer.kind=sgd"], ["middle"]),
        (["--filter", "status!=done", "--sort", "run"], ["begun", "photos"]),
        (["--filter", "layers.0.kind=conv", "--filter", "data.as_sequence=false", "--filter", "seed=5"], []),
        (["--filter", "training.seed=5"], ["high"]),
        (["--filter", "gates.ungated=[conv1]", "--filter", "path=low"], ["low"]),
        (["--filter", "data.augment.operations=[]", "--filter", "gates.budget=null", "--filter", "run=high"], ["high"]),
    ],
)
def test_runs_are_sorted_and_filtered(several: Command, arguments: list[str], names: list[str]) -> None:
    outcome = several("runs", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    assert [Path(row["path"]).name for row in outcome.json["runs"]] == names


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--filter", "test"], "expected KEY=VALUE"),
        (["--filter", "test>much"], "expected KEY=VALUE"),
        (["--filter", "__import__('os').system('x')>1"], "no such column"),
        (["--filter", "kind>1"], "> compares numbers, but this holds 'train'"),
        (["--filter", "training.optimiser.rate=1"], "did you mean 'training.optimizer.rate'?"),
        (["--sort", "tset"], "did you mean 'test'?"),
    ],
)
def test_what_is_no_expression_or_no_key_is_refused(several: Command, arguments: list[str], told: str) -> None:
    outcome = several("runs", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_a_filter_that_nothing_passes_says_so(several: Command) -> None:
    assert several("runs", "--filter", "seed=77").err == "none of the 5 in runs is so\n"
    assert several("runs", "--filter", "seed=77", "--json").json["runs"] == []


def test_what_two_runs_differ_in(several: Command) -> None:
    document = several("runs", "diff", "runs/low", "runs/middle", "--json").json
    values = {(row["part"], row["key"]): (row["first"], row["second"]) for row in document["differences"]}
    assert values[("setting", "training.optimizer.kind")] == ("adamw", "sgd")
    assert values[("setting", "training.optimizer.rate")] == (0.1, 0.01)
    assert values[("result", "test_accuracy")] == (0.5, 0.7)
    assert not [key for _, key in values if "seconds" in key or key in ("created", "updated")]
    table = several("runs", "diff", "runs/low", "runs/middle").out
    assert "50.00%  70.00%" in table
    assert table.splitlines()[0].split() == ["low", "middle"]


def test_runs_that_do_not_differ(several: Command) -> None:
    made(Path("runs/twin"), "training.optimizer.rate=0.1", accuracy=0.5)
    outcome = several("runs", "diff", "runs/low", "runs/twin")
    assert (outcome.code, outcome.out) == (0, "")
    assert "do not differ" in outcome.err
    assert several("runs", "diff", "runs/low", "runs/twin", "--json").json["differences"] == []
    assert several("runs", "diff", "runs/low", "runs/low").code == 2
    assert "has not ended" in several("runs", "diff", "runs/low", "runs/begun").err


def names_left() -> list[str]:
    return sorted(path.name for path in Path("runs").iterdir())


def test_a_run_is_removed_with_all_that_it_holds(several: Command) -> None:
    outcome = several("runs", "rm", "runs/low", "runs/low/", "runs/begun", "--yes")
    assert (outcome.code, outcome.err) == (0, "")
    assert [Path(line).name for line in outcome.out.splitlines()] == ["low", "begun"]
    assert names_left() == ["high", "middle", "photos"]
    document = several("runs", "rm", "-", "--yes", "--json", stdin="runs/high\n").json
    assert [Path(path).name for path in document["removed"]] == ["high"]
    assert document["bytes"] > 1000


def test_nothing_is_removed_without_a_word(several: Command) -> None:
    outcome = several("runs", "rm", "runs/low")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--yes" in outcome.err
    assert len(names_left()) == 5


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["first"], "cut was made from it"),
        (["first", "again"], "cut was made from it"),
        (["cut", "again"], "was made from it"),
        (["first", "cut", "again"], "was made from it"),
        (["again", "compared/jobs/cut/seed-1"], "it belongs to"),
        (["again", "photos"], "is no run"),
        (["again", "damaged"], "remove the directory yourself"),
        (["again", "linked"], "this is a link"),
        (["again", "nothing"], "no such run"),
        (["again", "again/config.yaml"], "expected a run's directory"),
        (["again", ".."], "is no run"),
        (["again", ""], "is empty"),
    ],
)
def test_what_is_needed_or_no_run_is_refused_and_nothing_removed(family: Command, names: list[str], told: str) -> None:
    for name in ("photos", "damaged"):
        (Path("runs") / name).mkdir()
    (Path("runs") / "damaged" / "summary.json").write_text("{}")
    (Path("runs") / "linked").symlink_to("again")
    before = names_left()
    outcome = family("runs", "rm", *(f"runs/{name}" if name else "" for name in names), "--yes")
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err
    assert names_left() == before


def test_what_was_made_from_each_other_goes_together(family: Command) -> None:
    assert family("runs", "rm", "runs/again", "--yes").code == 0
    assert family("runs", "rm", "runs/first", "runs/cut", "runs/compared", "--yes").code == 0
    assert names_left() == []


def test_the_runs_folder_is_looked_through_too(command: Command) -> None:
    elsewhere = made(Path("elsewhere/first"), accuracy=0.5)
    made(Path("runs/cut"), kind="cut", status="finished", parent=str(elsewhere))
    assert "cut was made from it" in command("runs", "rm", "elsewhere/first", "--yes").err
    assert command("runs", "rm", "elsewhere/first", "runs/cut", "--yes").code == 0


def test_a_run_that_a_process_works_in_is_refused(several: Command) -> None:
    with RunDirectory(Path("runs/begun")).locked():
        outcome = several("runs", "rm", "runs/low", "runs/begun", "--yes")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"process {os.getpid()}" in outcome.err
    assert len(names_left()) == 5


def test_what_links_in_a_run_lead_to_stays(several: Command, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_text("mine")
    Path("runs/low/photos").symlink_to(tmp_path / "photos")
    Path("runs/low/config-of-mine.yaml").symlink_to(tmp_path / "photos" / "one.png")
    assert several("runs", "rm", "runs/low", "--yes").code == 0
    assert (tmp_path / "photos" / "one.png").read_text() == "mine"


def test_a_run_within_a_run_is_not_lost_by_oversight(several: Command) -> None:
    Path("runs/high").rename("runs/low/high")
    outcome = several("runs", "rm", "runs/low", "--yes")
    assert (outcome.code, outcome.out) == (2, "")
    assert "another run in it" in outcome.err
    assert several("runs", "rm", "runs/low", "runs/low/high", "--yes").code == 0
    assert "low" not in names_left()


def test_a_folder_of_that_name_is_listed_by_its_path(several: Command) -> None:
    Path("runs").rename("diff")
    assert several("runs", "diff").code == 2
    assert len(several("runs", "./diff", "--json").json["runs"]) == 5
