"""Parquet files and data sets of torchvision's, from the training to the retrained cut."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command
from tests.data.test_parquet import NAMES, png, write
from tests.data.test_torchvision_sets import write_idx

FEW = ("--epochs", "1", "--device", "cpu", "-q")


def train_cut_and_train_again(command: Command, source: str | Path, *options: str) -> None:
    trained = command("train", "--preset", "digits", "--data", source, *options, *FEW, "--run", "mine")
    assert (trained.code, trained.err) == (0, "")
    assert command("prune", "mine", "--keep", "20", "--out", "cut", "-q").code == 0
    assert command("retrain", "cut", "--run", "again", *FEW).code == 0
    found = command("evaluate", "mine", "--json").json
    assert found["same_images"]
    assert found["accuracy"] == json.loads(Path("mine/summary.json").read_text())["final"]["test_accuracy"]


def test_a_folder_of_parquet_files(command: Command, tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    for part, count in (("train", 60), ("test", 12)):
        labels = np.arange(count) % 3
        images = drawn.integers(0, 80, (count, 8, 8), dtype=np.uint8) + (70 * labels[:, None, None]).astype(np.uint8)
        write(tmp_path / "set" / f"{part}-00000-of-00001.parquet", [png(each) for each in images], labels.tolist())
    train_cut_and_train_again(command, tmp_path / "set", "--set", "data.channels=1")
    assert json.loads(Path("again/summary.json").read_text())["classes"] == list(NAMES)


def test_a_data_set_of_torchvision(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx("FashionMNIST")(tmp_path / "cache", monkeypatch)
    train_cut_and_train_again(command, "fashion-mnist", "--set", "data.validation=0.5")
    assert json.loads(Path("again/summary.json").read_text())["data"] == "fashion-mnist"
