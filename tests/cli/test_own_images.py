"""A folder of one's own images, from the command line: what is noted, what is recorded, and what goes on from there."""

import json
import shutil
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from tests.conftest import Command

TRAIN = ("train", "--preset", "digits", "--device", "cpu", "--run", "r", "--set", "gates.penalty_warmup=0")


def test_a_flat_folder_of_deep_images(digits_folder: Path, command: Command, tmp_path: Path) -> None:
    shutil.rmtree(digits_folder / "test")
    for path in (digits_folder / "train").rglob("*.png"):
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 10).save(path)
    data = ("--data", digits_folder / "train")
    outcome = command(*TRAIN, *data, "--epochs", "1", "--json")
    assert outcome.code == 0, outcome.err
    assert "Note: 60 images have more than 8 bits: the values 0 to 2550 become 0 to 255 (data.range)." in outcome.err
    assert "Note: the folder has no test/: 12 of its 60 training images are held out" in outcome.err
    per_class = outcome.json["per_class"]
    assert per_class == json.loads((tmp_path / "r" / "summary.json").read_text())["per_class"]
    assert [row["name"] for row in per_class] == list("0123456789")
    assert sum(row["train"] + row["validation"] + row["test"] for row in per_class) == 60
    right = sum(row["test_accuracy"] * row["test"] for row in per_class)
    assert round(right) == round(outcome.json["final"]["test_accuracy"] * 12)
    assert f"class  train  validation  test  test accuracy\n0  {per_class[0]['train']:>9}" in outcome.err
    assert yaml.safe_load((tmp_path / "r" / "config.yaml").read_text())["data"]["range"] == [0, 2550]
    resumed = command(*TRAIN, *data, "--epochs", "2", "--resume")
    assert resumed.code == 0, resumed.err
    assert command("prune", "r", "--keep", "30", "--out", "cut").code == 0
    assert yaml.safe_load((tmp_path / "cut" / "config.yaml").read_text())["data"]["range"] == [0, 2550]
    assert len(list((tmp_path / "cache").glob("folder-*"))) == 1


def test_the_page_shows_the_classes(digits_folder: Path, command: Command, tmp_path: Path) -> None:
    outcome = command(*TRAIN, "--data", digits_folder, "--epochs", "1", "-q")
    assert outcome.code == 0, outcome.err
    assert command("inspect", "r", "--html", "page.html").code == 0
    assert '"per_class"' in (tmp_path / "page.html").read_text()
