"""Arrays as a user trains on them: from the file to the retrained cut, evaluated, predicted and exported."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import connprune
from connprune.data.settings import DataSettings
from connprune.data.sources import load
from tests.conftest import Command

FEW = ("--epochs", "2", "--device", "cpu", "-q")


def clothes(path: Path) -> Path:
    """Arrays like those of Fashion-MNIST, smaller: the digits that come with the package."""
    digits = load(DataSettings(source="digits"))
    arrays = {
        "images": digits.train.images[:300, 0].numpy(),
        "labels": digits.train.labels[:300].to(torch.uint8).numpy(),
        "test_images": digits.test.images[:100, 0].numpy(),
        "test_labels": digits.test.labels[:100].to(torch.uint8).numpy(),
        "classes": np.array([f"class {number}" for number in range(10)]),
    }
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


def waves(path: Path, count: int = 240, amplitude: float = 1e-3) -> Path:
    """Slow and fast oscillations under noise, in two features: far too fine for 256 values."""
    drawn = np.random.default_rng(0)
    labels = drawn.integers(0, 2, count)
    steps = np.arange(24)
    phases = drawn.uniform(0, 2 * np.pi, (count, 1, 2))
    periods = np.where(labels == 0, 12, 5)[:, None, None]
    clean = np.sin(2 * np.pi * steps[:, None] / periods + phases)
    series = 40 + amplitude * (clean + drawn.normal(0, 0.3, clean.shape)) * np.array([1, 100])
    np.savez(path, images=series, labels=np.array(["slow", "fast"])[labels])
    return path


def test_an_npz_file_trains_is_cut_and_trains_again(command: Command, tmp_path: Path) -> None:
    data = clothes(tmp_path / "clothes.npz")
    trained = command(
        "train", "--preset", "digits", "--data", data, "--run", "mine", "--epochs", "2", "--device", "cpu"
    )
    assert trained.code == 0
    assert "Note: images, uint8 of (300, 8, 8), is taken as (count, height, width)" in trained.err
    assert "class 9" in trained.err
    assert command("prune", "mine", "--keep", "20", "--out", "cut", "-q").code == 0
    assert command("retrain", "cut", "--run", "again", *FEW).code == 0
    summary = json.loads(Path("again/summary.json").read_text())
    assert summary["data"] == "clothes.npz"
    assert "values" not in summary
    assert summary["classes"][3] == "class 3"
    found = command("evaluate", "mine", "--json").json
    final = json.loads(Path("mine/summary.json").read_text())["final"]
    assert (found["accuracy"], found["images"]) == (final["test_accuracy"], 100)


def test_the_same_images_in_a_file_and_in_a_folder_train_the_same(
    command: Command, tmp_path: Path, digits_folder: Path
) -> None:
    """Bit for bit, though those of the file stay on the disk until a batch is made of them."""
    dataset = load(DataSettings(source=str(digits_folder), channels=1, cache=str(tmp_path / "cache")))
    np.savez(
        tmp_path / "digits.npz",
        images=dataset.train.images[:, 0].numpy(),
        labels=dataset.train.labels.numpy(),
        test_images=dataset.test.images[:, 0].numpy(),
        test_labels=dataset.test.labels.numpy(),
    )
    command("train", "--preset", "digits", "--data", digits_folder, "--set", "data.channels=1", *FEW, "--run", "one")
    command("train", "--preset", "digits", "--data", tmp_path / "digits.npz", *FEW, "--run", "other")
    (one, _), (other, _) = map(connprune.load, ("one", "other"))
    state = other.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in one.state_dict().items())


def test_a_series_of_measurements_trains_as_itself(command: Command, tmp_path: Path) -> None:
    """Its classes differ by a thousandth of its values, in features of different scales."""
    data = waves(tmp_path / "waves.npz")
    quick = ("--set", "training.optimizer.rate=0.01", "--set", "training.batch_size=16")
    done = command(
        "train", "--preset", "sequence", "--data", data, *quick, "--epochs", "8", "--run", "mine", "--device", "cpu"
    )
    assert done.code == 0
    assert "is taken as (count, steps, features)" in done.err
    assert "divided by the standard deviation of each channel" in done.err
    summary = json.loads(Path("mine/summary.json").read_text())
    assert summary["values"] == "float32"
    assert summary["final"]["test_accuracy"] > 0.9
    assert "divide: channel-std" in Path("mine/config.yaml").read_text()
    assert command("prune", "mine", "--keep", "15", "--out", "cut", "-q").code == 0
    assert json.loads(Path("cut/cut.json").read_text())["before"]["test_accuracy"] == summary["final"]["test_accuracy"]
    assert command("retrain", "cut", "--run", "again", *FEW).code == 0
    assert json.loads(Path("again/summary.json").read_text())["values"] == "float32"

    assert command("evaluate", "cut", "--json").json["same_images"]
    moved = shutil.move(data, tmp_path / "elsewhere.npz")
    assert command("evaluate", "mine", "--data", moved, "--json").json["accuracy"] == summary["final"]["test_accuracy"]

    network, _ = connprune.load("mine")
    assert network.divisor.shape == (2, 1, 1)
    stored = np.load(tmp_path / "elsewhere.npz")
    np.save(tmp_path / "new.npy", stored["images"][:7])
    rows = list(csv.DictReader(io.StringIO(command("predict", "mine", tmp_path / "new.npy", "--csv").out)))
    with torch.no_grad():
        raw = torch.from_numpy(stored["images"][:7]).float().transpose(1, 2).unsqueeze(2)
        likely = network(raw).argmax(1).tolist()
    assert [row["file"] for row in rows] == [f"{tmp_path / 'new.npy'}[{number}]" for number in range(7)]
    assert [row["class"] for row in rows] == [summary["classes"][number] for number in likely]


def test_a_series_goes_on_by_the_options_that_it_began_with(command: Command, tmp_path: Path) -> None:
    """Nothing in them says what values are divided by; where something does, it is another training."""
    options = ("train", "--preset", "sequence", "--data", waves(tmp_path / "waves.npz", 60), "--device", "cpu", "-q")
    command(*options, "--epochs", "1", "--run", "mine")
    assert command(*options, "--epochs", "2", "--run", "mine", "--resume").code == 0
    assert json.loads(Path("mine/summary.json").read_text())["epochs"] == 2
    other = command(*options, "--epochs", "3", "--run", "mine", "--resume", "--set", "data.normalise.divide=5")
    assert (other.code, "data.normalise.divide (was 'channel-std', now 5.0)" in other.err) == (2, True)


def test_arrays_that_a_network_cannot_read(command: Command, tmp_path: Path, digits_folder: Path) -> None:
    """Pixels for a network of measurements, measurements for one of pixels, and other shapes."""
    data = waves(tmp_path / "waves.npz", 60)
    command("train", "--preset", "sequence", "--data", data, *FEW, "--run", "mine")
    picture = next(digits_folder.glob("test/1/*.png"))
    refused = command("predict", "mine", picture)
    assert (refused.code, "an image file has no float32 values" in refused.err) == (1, True)
    for name, array, words in (
        ("deep", np.zeros((3, 24, 2), np.uint8), "expected images of 2@1×24 in float32, as in training"),
        ("short", np.zeros((3, 23, 2)), "images of 2@1×23"),
        ("odd", np.full((3, 24, 2), np.inf), "a value is no finite number"),
    ):
        np.save(tmp_path / f"{name}.npy", array)
        refused = command("predict", "mine", tmp_path / f"{name}.npy")
        assert refused.code == 1
        assert words in refused.err
    pixels = np.load(data)["images"].astype(np.uint8)
    np.savez(tmp_path / "pixels.npz", images=pixels, labels=np.load(data)["labels"])
    refused = command("evaluate", "mine", "--data", tmp_path / "pixels.npz")
    assert (refused.code, "found values of uint8, expected float32, as in training" in refused.err) == (2, True)


@pytest.mark.parametrize(
    "kind", [*(pytest.param(each, marks=pytest.mark.slow) for each in ("pt2", "onnx")), "safetensors"]
)
def test_an_exported_network_takes_what_it_was_trained_on(command: Command, tmp_path: Path, kind: str) -> None:
    data = waves(tmp_path / "waves.npz", 60)
    command("train", "--preset", "sequence", "--data", data, *FEW, "--run", "mine")
    file = tmp_path / f"network.{kind}"
    assert command("export", "mine", "--format", kind, "--out", file).code == 0
    series = torch.from_numpy(np.load(data)["images"][:5]).float().transpose(1, 2).unsqueeze(2)
    network, _ = connprune.load("mine")
    with torch.no_grad():
        if kind == "onnx":
            session = onnxruntime.InferenceSession(str(file))
            scores = torch.from_numpy(session.run(["scores"], {"images": series.numpy()})[0])
        else:
            exported = torch.export.load(file).module() if kind == "pt2" else connprune.load(file)[0]
            scores = exported(series)
        torch.testing.assert_close(scores, network(series), rtol=1e-4, atol=1e-4)
    card = Path(f"{file}.md").read_text()
    assert "float32, batch × 2 × 1 × 24" in card
    assert "a file called `waves.npz`" in card


def test_what_is_no_data(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("1,2\n")
    refused = command("train", "--preset", "digits", "--data", tmp_path / "table.csv", "--dry-run")
    assert refused.code == 2
    for words in ("data.source: found", "an existing folder of images, an .npz file"):
        assert words in refused.err
    slip = command("train", clothes(tmp_path / "clothes.npz"))
    assert (slip.code, "did you mean --data" in slip.err) == (2, True)


def test_arrays_are_planned_without_torch(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("preset: digits\ndata: {source: clothes.npz}\n")
    clothes(tmp_path / "clothes.npz")
    words = [sys.executable, "-X", "importtime", "-m", "connprune", "check", "mine.yaml"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "numpy" in imported
    assert "torch" not in imported
