"""`connprune evaluate` and `connprune predict`: what a training said of itself, image by image."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import connprune
from tests.conftest import TINY, Command

FEW = ("--epochs", "1", "--device", "cpu", "--set", "data.train_images=40", "-q")
SUFFIXES = ("png", "bmp", "tif", "webp", "gif")


@pytest.fixture
def trained(command: Command, digits_folder: Path) -> Path:
    """A run on a folder of images, which knows its classes by the names of folders."""
    command("train", "--preset", "digits", "--data", digits_folder, "--set", "data.channels=1", *FEW, "--run", "mine")
    return digits_folder


def test_it_says_what_the_training_said(command: Command) -> None:
    command("train", *TINY, "--run", "mine")
    final = json.loads(Path("mine/summary.json").read_text())["final"]
    for part in ("test", "validation"):
        found = command("evaluate", "mine", "--part", part, "--json").json
        assert (found["part"], found["same_images"]) == (part, True)
        assert found["accuracy"] == final[f"{part}_accuracy"]
        assert found["loss"] == pytest.approx(final[f"{part}_loss"], rel=1e-5)
        assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]
        confusion = np.array(found["confusion"])
        assert confusion.sum() == found["images"]
        assert confusion.diagonal().sum() == round(found["accuracy"] * found["images"])
        assert [row["images"] for row in found["classes"]] == confusion.sum(1).tolist()
        assert [row["right"] for row in found["classes"]] == confusion.diagonal().tolist()
    assert command("evaluate", "mine", "--part", "train", "--json").json["images"] == 160
    shown = command("evaluate", "mine", "--figures", "figures")
    assert f"450 test images of digits\naccuracy {final['test_accuracy']:.2%}" in shown.out
    assert {path.name for path in Path("figures").iterdir()} == {"confusion.svg", "confusion.png"}
    rows = list(csv.DictReader(io.StringIO(command("evaluate", "mine", "--csv").out)))
    assert [row["name"] for row in rows] == list("0123456789")


def test_other_images_of_the_same_classes(command: Command, trained: Path) -> None:
    """Classes are known by name, so it does not matter that one is missing."""
    for name in ("7", "2"):
        shutil.copytree(trained / "train" / name, Path("others") / name)
    found = command("evaluate", "mine", "--data", "others", "--json").json
    assert (found["part"], found["same_images"], found["data"]) == ("all", False, "others")
    there = {row["name"]: row["images"] for row in found["classes"] if row["images"]}
    assert there == {name: len(list((Path("others") / name).iterdir())) for name in ("2", "7")}
    whole = command("evaluate", "mine", "--json").json
    assert (whole["part"], whole["same_images"]) == ("test", True)


def test_images_that_do_not_belong_to_it(command: Command, trained: Path) -> None:
    for name in ("2", "7"):
        shutil.copytree(trained / "train" / name, Path("others") / name)
    refused = command("evaluate", "mine", "--data", "others", "--part", "validation")
    assert (refused.code, refused.out) == (2, "")
    assert "these are not the images that mine was made with" in refused.err
    (Path("others") / "7").rename(Path("others") / "seven")
    refused = command("evaluate", "mine", "--data", "others")
    assert "class: found 'seven', expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in refused.err
    for words, told in {
        ("--part", "tset"): "--part: found 'tset', expected one of test, validation, train; did you mean 'test'?",
        ("--csv", "--json"): "Give one of --csv and --json",
    }.items():
        refused = command("evaluate", "mine", *words)
        assert (refused.code, told in refused.err) == (2, True)


def test_what_single_files_show(command: Command, trained: Path) -> None:
    """Twenty files in five formats, each as the evaluation took it."""
    files = sorted((trained / "test").glob("*/*.png"))
    assert len(files) == 20
    copies = []
    for number, file in enumerate(files):
        copies.append(Path(f"{number:02}.{SUFFIXES[number % len(SUFFIXES)]}"))
        Image.open(file).save(copies[-1], lossless=True)
    found = command("predict", "mine", *copies, "--top", "3", "--json").json["predictions"]
    assert [row["file"] for row in found] == list(map(str, copies))
    assert not any(row["resized"] for row in found)
    by_name: dict[str, list[str]] = {}
    for file, row in zip(files, found, strict=True):
        likely = [candidate["probability"] for candidate in row["classes"]]
        assert likely == sorted(likely, reverse=True)
        assert len(likely) == 3
        by_name.setdefault(file.parent.name, []).append(row["classes"][0]["name"])
    for file in files:
        (Path("chosen") / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, Path("chosen") / file.parent.name)
    evaluation = command("evaluate", "mine", "--data", "chosen", "--json").json
    names = [row["name"] for row in evaluation["classes"]]
    for name, counts in zip(names, evaluation["confusion"], strict=True):
        taken = [other for other, count in zip(names, counts, strict=True) for _ in range(count)]
        assert sorted(by_name.get(name, [])) == sorted(taken)


def test_files_of_another_size_and_damaged_ones_are_told(command: Command, trained: Path) -> None:
    Path("photos").mkdir()
    first = next((trained / "test").glob("*/*.png"))
    shutil.copy(first, "photos/a.png")
    Image.open(first).resize((30, 20)).save("photos/b.png")
    Path("photos/c.png").write_bytes(b"no image")
    done = command("predict", "mine", "photos", "--csv")
    assert done.code == 1
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.out))] == ["photos/a.png", "photos/b.png"]
    assert "resized 1 of 3 images" in done.err
    assert "photos/c.png: cannot identify what kind of image it is" in done.err
    Path("empty").mkdir()
    for words, told in {
        ("nothing.png",): "nothing.png: there is no such file",
        ("mine",): "Name image files after the run mine",
        ("mine", "empty"): "this folder has no image files",
        ("mine", "photos", "--top", "0"): "--top",
    }.items():
        refused = command("predict", *words)
        assert (refused.code, refused.out) == (2, "")
        assert told in refused.err


def test_a_sequence_is_read_as_in_training(command: Command) -> None:
    """Rows become steps in both, so the training's own images are taken for what the evaluation takes them for."""
    command("train", "--preset", "sequence", *FEW, "--run", "mine")
    pixels = np.random.default_rng(3).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save("a.png")
    found = command("predict", "mine", "a.png", "--top", "10", "--json").json["predictions"][0]["classes"]
    assert sum(candidate["probability"] for candidate in found) == pytest.approx(1)
    network, _ = connprune.load("mine")
    steps = torch.from_numpy(pixels.T.copy()).reshape(1, 8, 1, 8)
    with torch.no_grad():
        wanted = network(steps).softmax(1)[0]
    likely = [candidate["probability"] for candidate in found]
    assert likely == pytest.approx(wanted.sort(descending=True).values.tolist())
