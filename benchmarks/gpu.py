"""The checks of gpu.sh, one a process: prints a line of JSON for each figure.

python benchmarks/gpu.py CHECK [--device cuda] [--tiny]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from connprune.bench.machine import copy_bandwidth, matrix_product
from connprune.bench.run import WARM_UP, random_splits
from connprune.data.shape import image_shape
from connprune.documents.epoch import EpochMetrics
from connprune.network import build
from connprune.tensor_files import read_tensors
from connprune.training.configuration import design, resolve
from connprune.training.device import device_name
from connprune.training.precision import Precision, computing_in
from connprune.training.recipe import Recipe
from connprune.training.timing import in_turns, seconds_of
from connprune.training.trainer import Trainer

EPOCHS_OF_THE_POST = 200
# Images of CIFAR-10 to train on, and to validate on.
TRAIN_IMAGES, VALIDATION_IMAGES = 45_000, 5_000


@dataclass(frozen=True)
class Figure:
    """One figure: its name, value and unit, and what else belongs to it."""

    name: str
    value: float
    unit: str
    more: dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where to measure, and whether only the script is tried out."""

    device: torch.device
    tiny: bool

    def preset(self, name: str) -> str:
        """The preset, or one that any machine trains in a moment."""
        return "digits" if self.tiny else name


def figure(name: str, value: float, unit: str, **more: Any) -> Figure:
    """A figure, with what else belongs to it by name."""
    return Figure(name, value, unit, more)


def machine(place: Place) -> Iterator[Figure]:
    """What the device can do at best."""
    if place.device.type == "cuda":
        yield figure("device memory", torch.cuda.get_device_properties(place.device).total_memory / 2**30, "GiB")
    precisions: tuple[Precision, ...] = ("float32",) if place.tiny else ("float32", "tf32", "bfloat16")
    for precision in precisions:
        product, operations = matrix_product(place.device, precision)
        best = min(seconds_of(product, place.device) for _ in range(1 if place.tiny else 10))
        yield figure(f"matrix product in {precision}", operations / best / 1e12, "TFLOP/s")
    if not place.tiny:
        yield figure("copy", copy_bandwidth(place.device) / 1e9, "GB/s")


def correct(place: Place) -> Iterator[Figure]:
    """Whether recorded steps are steps, and float32 is float32."""
    losses = []
    for capture in ("true", "false"):
        settings = (f"training.capture={capture}", "training.precision=float32")
        trainer, _ = trainer_of(place, "digits", *settings, count=330)
        losses.append([epoch_of(trainer).train_loss for _ in range(2)])
    recorded, plain = losses
    apart = max(abs(one - other) / other for one, other in zip(recorded, plain, strict=True))
    yield figure("recorded steps beside plain ones: loss", apart, "relative difference", at_most=1e-4)
    torch.manual_seed(0)
    layer, values = nn.LSTM(64, 256, batch_first=True).double(), torch.randn(64, 32, 64)
    exact = layer(values.double())[0].detach()
    with torch.no_grad(), computing_in("float32", place.device):
        found = layer.float().to(place.device)(values.to(place.device))[0].cpu()
    error = ((found - exact).norm() / exact.norm()).item()
    yield figure("LSTM in float32 beside float64", error, "relative difference", at_most=1e-5)


def step(place: Place) -> Iterator[Figure]:
    """A step of blog at batch 32 beside the literal port, and beside what its arithmetic would take."""
    words = ["bench", "--preset", place.preset("blog"), "--against", "literal", "--set", "training.batch_size=32"]
    words += ["--rounds", "1" if place.tiny else "21", *(("--workers", "0") if place.tiny else ())]
    found = json.loads(command(place, *words, "--json"))
    ours, literal = (found["steps"][name] for name in ("connprune", "literal"))
    yield figure("literal port / ours, batch 32", literal["ratio"], "ratio", at_least=10)
    yield figure("step, batch 32", 1e3 * ours["seconds"], "ms", precision=found["matrix_product_precision"])
    yield figure("step, of the matrix-product rate", 100 * ours["share_of_matrix_product_rate"], "%")
    yield figure("without gates, of a step", 100 * found["steps"]["without gates"]["ratio"], "%")
    yield figure("peak memory of a step", found["peak_bytes"]["connprune"] / 2**20, "MiB")


def blog(place: Place) -> Iterator[Figure]:
    """Epochs of blog on as many images as CIFAR-10 has, validation included."""
    seconds, memory = epochs_of(place, "blog", 3)
    yield figure("blog, epochs a second", 1 / seconds, "1/s")
    yield figure("blog, 200 epochs", EPOCHS_OF_THE_POST * seconds / 60, "minutes", extrapolated_from=3, at_most=6)
    yield figure("blog, memory", memory, "MiB")


def strong(place: Place) -> Iterator[Figure]:
    """Epochs of strong, and how long its own number of them takes."""
    seconds, memory = epochs_of(place, "strong", 2)
    epochs = resolve("strong").training.epochs
    yield figure("strong, epochs a minute", 60 / seconds, "1/min")
    yield figure(f"strong, {epochs} epochs", epochs * seconds / 60, "minutes", extrapolated_from=2)
    yield figure("strong, memory", memory, "MiB")


def digits(place: Place) -> Iterator[Figure]:
    """A whole training from the command line, files and all."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        started = time.monotonic()
        command(place, "train", "--preset", "digits", "--epochs", "1" if place.tiny else "100", "--run", str(run))
        wall = time.monotonic() - started
        summary = json.loads((run / "summary.json").read_text())
    yield figure("digits, 100 epochs with starting", wall, "s")
    share = summary["wall_seconds"] / summary["training_seconds"]
    yield figure("digits, wall clock / training", share, "ratio", training_seconds=summary["training_seconds"])


def eight(place: Place) -> Iterator[Figure]:
    """Eight trainings of digits on one device, one after another and at once."""
    count, epochs = (2, 1) if place.tiny else (8, 60)
    wall = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.yaml"
        base = {
            "preset": "digits",
            "training": {"epochs": epochs},
            "data": {"train_images": 64 if place.tiny else None},
        }
        file.write_text(json.dumps({"base": base, "seeds": count, "axes": {"training.batch_size": [32]}}))
        for jobs in (1, count):
            started = time.monotonic()
            command(place, "sweep", str(file), "--jobs", str(jobs), "--run", str(Path(folder) / f"by-{jobs}"))
            wall[jobs] = time.monotonic() - started
    for jobs, seconds in wall.items():
        yield figure(f"{count} trainings of digits, {jobs} at once", 60 * count / seconds, "trainings a minute")
    yield figure(f"{count} trainings of digits, one after another / at once", wall[1] / wall[count], "ratio")


def deterministic(place: Place) -> Iterator[Figure]:
    """By how much two equal trainings differ; where determinism was asked for they must not."""
    asked: list[tuple[str, list[str]]] = [("as it is", [])]
    if "deterministic" in Recipe.model_fields:
        asked.append(("deterministic", ["--set", "training.deterministic=true"]))
    for name, words in asked:
        weights = []
        with tempfile.TemporaryDirectory() as folder:
            for number in range(2):
                run = Path(folder) / f"run-{number}"
                size = ["--epochs", "1" if place.tiny else "15", "--seed", "1"]
                command(place, "train", "--preset", "digits", *size, *words, "--run", str(run))
                weights.append(read_tensors(run / "final.safetensors")[0])
        one, other = weights
        apart = max(float((one[key].double() - other[key].double()).abs().max()) for key in one)
        yield figure(f"two equal trainings, {name}: weights", apart, "largest difference", **_bound(name))


def compiled(place: Place) -> Iterator[Figure]:
    """A step of blog with training.compile beside one without."""
    steps = {}
    smaller = ["layers=[{kind: conv, feature_maps: 4}]"] if place.tiny else []
    for setting in ("false", "true"):
        trainer, told = trainer_of(
            place, place.preset("blog"), f"training.compile={setting}", *smaller, count=64 if place.tiny else 2048
        )
        steps[setting] = trainer.endless_steps()
    taken = in_turns(steps, place.device, 1 if place.tiny else 21, WARM_UP)
    yield figure("compiled step, of a step", 100 * taken["true"] / taken["false"], "%", warned=told)


def _bound(name: str) -> dict[str, float]:
    return {"at_most": 0.0} if name == "deterministic" else {}


def trainer_of(
    place: Place, preset: str, *assignments: str, count: int, validation: int = 64
) -> tuple[Trainer, list[str]]:
    """A training of so many random images, and what it warns of."""
    chosen = resolve(preset, assignments=assignments)
    images = image_shape(chosen.data)
    torch.manual_seed(chosen.training.seed)
    held_out = random_splits(*images, count=validation).train
    splits = replace(random_splits(*images, count=count), validation=held_out).to(place.device)
    network = build(design(chosen, images)).to(place.device)
    told: list[str] = []
    return Trainer(network, splits, chosen.data.augment, chosen.training, told.append), told


def epoch_of(trainer: Trainer) -> EpochMetrics:
    """The metrics of the next epoch."""
    metrics = trainer.train_epoch(lambda: False, lambda: None)
    assert metrics is not None
    return metrics


def epochs_of(place: Place, preset: str, epochs: int) -> tuple[float, float]:
    """The mean seconds of an epoch, with its validation, after the first, which records; and the memory, MiB."""
    count, validation = (96, 64) if place.tiny else (TRAIN_IMAGES, VALIDATION_IMAGES)
    trainer, told = trainer_of(place, place.preset(preset), count=count, validation=validation)
    epoch_of(trainer)
    seconds = [epoch_of(trainer).epoch_seconds for _ in range(epochs)]
    for warning in told:
        print(f"gpu.py: {preset}: {warning}", file=sys.stderr)
    is_cuda = place.device.type == "cuda"
    return sum(seconds) / epochs, torch.cuda.max_memory_reserved(place.device) / 2**20 if is_cuda else 0.0


def command(place: Place, *words: str) -> str:
    """What a command of connprune prints; what it says besides goes to standard error."""
    line = [sys.executable, "-P", "-m", "connprune", *words, "--device", str(place.device)]
    return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout


CHECKS: dict[str, Callable[[Place], Iterator[Figure]]] = {
    check.__name__: check for check in (machine, correct, step, blog, strong, digits, eight, deterministic, compiled)
}


def main() -> None:
    """Runs one check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    about = {"driver": os.environ.get("DRIVER") or None, "torch": torch.__version__, "commit": os.environ.get("COMMIT")}
    place = Place(torch.device(arguments.device), arguments.tiny)
    for each in CHECKS[arguments.check](place):
        found = {"check": arguments.check, "name": each.name, "value": each.value, "unit": each.unit}
        print(json.dumps({**found, "device": device_name(place.device), **about, **each.more}), flush=True)


if __name__ == "__main__":
    main()
