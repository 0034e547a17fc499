"""A run is known by what its images are, not by where they were: they may be moved between any two commands."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from connprune.cli.work import worker_commands
from connprune.documents.run import Trained
from connprune.experiments.launch import Place
from connprune.experiments.ray_tasks import Surroundings, train
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration
from tests.conftest import Command

SMALL = ("--preset", "digits", "--set", "data.train_images=40", "--epochs", "1", "--device", "cpu")


@pytest.fixture
def moved(command: Command, digits_folder: Path, tmp_path: Path) -> Path:
    """Where the images of `run`, and of its cut `cut`, are now; at `other` there are others."""
    assert command("train", *SMALL, "--data", digits_folder, "--run", "run").code == 0
    assert command("prune", "run", "--keep", "30", "--out", "cut").code == 0
    return digits_folder.rename(tmp_path / "moved")


def changed(folder: Path) -> Path:
    """One of the images, made another."""
    path = next(folder.glob("train/*/*.png"))
    Image.new("L", (8, 8), 128).save(path)
    return folder


def test_every_command_finds_them_by_data(command: Command, moved: Path) -> None:
    without = command("prune", "run", "--keep", "30", "--dry-run")
    assert without.code == 2
    assert (
        f"--data: there is no {moved.parent / 'images'}; name the folder where its images are now, here or by"
        in without.err
    )
    cut = command("prune", "run", "--keep", "30", "--data", "moved", "--out", "again", "--json")
    assert cut.code == 0, cut.err
    first = json.loads(Path("cut/cut.json").read_text())
    assert all(cut.json[network] == first[network] for network in ("before", "after"))
    assert "changed" not in cut.err
    assert read_configuration(RunDirectory(Path("again"))).data.source == str(moved)
    assert command("retrain", "again", "--epochs", "1").code == 0, "a cut knows where they were when it was made"
    assert command("retrain", "cut", "--data", moved, "--run", "retrained", "--epochs", "1").code == 0
    resumed = command("train", "--resume", "--run", "run", "--epochs", "2", "--data", "moved")
    assert resumed.code == 0, resumed.err
    assert RunDirectory(Path("run")).trained().final.epoch == 2
    assert command("prune", "run", "--keep", "30", "--dry-run").code == 0, "and so does a run that went on"
    assert "no accuracies" not in command("inspect", "run", "--html", "page.html").err


def test_a_variable_says_it_too(command: Command, moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNPRUNE_DATA", "moved")
    assert command("prune", "run", "--keep", "30", "--dry-run").code == 0
    assert command("train", "--resume", "--run", "run", "--epochs", "2").code == 0
    assert command("train", *SMALL, "--run", "digits", "--json").json["classes"] == [*"0123456789"]
    assert read_configuration(RunDirectory(Path("digits"))).data.source == "digits", (
        "new runs are made of what they say"
    )
    assert command("prune", "digits", "--keep", "30").code == 0, "and what has a name has no other place"


def test_other_images_are_refused(command: Command, moved: Path) -> None:
    changed(moved)
    for arguments in (
        ("prune", "run", "--keep", "30", "--out", "again"),
        ("retrain", "cut", "--run", "again"),
        ("train", "--resume", "--run", "run", "--epochs", "2"),
    ):
        outcome = command(*arguments, "--data", moved)
        assert outcome.code == 2
        assert f"the images in {moved} are others than those that it was made with" in outcome.err
        assert not Path("again").exists()
    assert RunDirectory(Path("run")).is_finished


def test_a_comparison_is_the_same_wherever_its_images_are(command: Command, moved: Path, tmp_path: Path) -> None:
    options = ("cut", "--against", "chain", "--epochs", "1", "--device", "cpu", "-q")
    at_first = command("retrain", *options, "--data", moved)
    assert at_first.code == 0, at_first.err
    moved.rename(tmp_path / "elsewhere")
    again = command("retrain", *options, "--data", "elsewhere", "--resume")
    assert (again.code, again.out) == (0, at_first.out)
    listed = command("retrain", *options, "--seeds", "2", "--data", "elsewhere", "--list").out.splitlines()
    assert listed
    assert all(f"--data {tmp_path / 'elsewhere'}" in line for line in listed)
    changed(tmp_path / "elsewhere")
    others = command("retrain", *options, "--seeds", "2", "--data", "elsewhere")
    assert others.code == 1
    assert "are others than those" in others.err


SWEEP = """
base: {preset: digits, data: {source: images, channels: 1}, training: {epochs: 1}}
seeds: 2
axes: {gates.penalty: [0.001]}
"""


@pytest.fixture
def half_done(command: Command, digits_folder: Path) -> Path:
    """A sweep of which one training is done."""
    Path("sweep.yaml").write_text(SWEEP, encoding="utf-8")
    listed = command("sweep", "sweep.yaml", "--run", "sweep", "--list", "--device", "cpu")
    assert listed.code == 0, listed.err
    first = min(Path("sweep").glob("jobs/*/seed-*"))
    assert command("train", "--resume", "--run", first, "--device", "cpu").code == 0
    return first


def test_a_sweep_goes_on_with_the_images_that_it_began_with(
    command: Command, half_done: Path, digits_folder: Path
) -> None:
    changed(digits_folder)
    outcome = command("sweep", "--resume", "--run", "sweep", "--device", "cpu")
    assert outcome.code == 1
    assert f"{half_done}: the images in {digits_folder} are others than those that it was made with" in outcome.err


def test_trainings_of_other_images_are_not_put_into_one_table(
    command: Command, half_done: Path, digits_folder: Path
) -> None:
    changed(digits_folder)
    other = max(Path("sweep").glob("jobs/*/seed-*"))
    assert command("train", "--resume", "--run", other, "--device", "cpu").code == 0
    outcome = command("sweep", "--collect", "--run", "sweep")
    assert outcome.code == 2
    assert f"{other}: this was trained with other images than {half_done}" in outcome.err


def test_an_evolution_is_of_the_images_of_its_comparison(command: Command, moved: Path, digits_folder: Path) -> None:
    changed(moved).rename(digits_folder)
    options = ("cut", "--against", "evolution:2", "--epochs", "1", "--device", "cpu", "--run", "comparison")
    assert command("retrain", *options).code == 1
    (run,) = map(RunDirectory, Path("comparison").glob("jobs/evolution/seed-*"))
    assert not run.is_finished
    assert not (run.path / "trials").exists()


def test_the_variable_is_a_variable_on_ray_too(
    command: Command, digits_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says where folders are; a data set that has a name has no other place."""
    Path("sweep.yaml").write_text(
        "base: {preset: digits, data: {train_images: 40}, training: {epochs: 1}}\naxes: {gates.penalty: [0.001]}\n",
        encoding="utf-8",
    )
    assert command("sweep", "sweep.yaml", "--run", "sweep", "--list").code == 0
    monkeypatch.setenv("CONNPRUNE_DATA", str(digits_folder))
    surroundings = Surroundings.here("cpu", 1, (), None)
    monkeypatch.delenv("CONNPRUNE_DATA")
    (job,) = Path("sweep").glob("jobs/*/seed-*")
    outcome = train(job.absolute(), surroundings)
    assert isinstance(outcome.result, Trained), outcome.result
    assert read_configuration(RunDirectory(job)).data.source == "digits"
    assert os.environ["CONNPRUNE_DATA"] == str(digits_folder), "for those that name a folder"


def test_workers_are_told(tmp_path: Path) -> None:
    (command,) = worker_commands(tmp_path, [Place("cpu")], 1, [], "there")
    assert command.words[command.words.index("--data") + 1] == "there"


def test_images_that_changed_where_they_are_are_told(command: Command, moved: Path, digits_folder: Path) -> None:
    changed(moved).rename(digits_folder)
    outcome = command("prune", "run", "--keep", "30", "--dry-run")
    assert outcome.code == 0
    assert "the validation images were drawn anew" in outcome.err
