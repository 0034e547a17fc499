"""Trainings in this process that stop where a test wants."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from connprune.data.sources import load
from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Trained
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors
from connprune.training.configuration import Configuration, design, resolve
from connprune.training.run import split_data, train_run

SMALL = ("data.train_images=150", "training.epochs=3", "training.batch_size=32")


@dataclass
class StopAfter:
    """Asks to stop after so many steps, as a signal would, and keeps what it sees."""

    steps: int | None = None
    number: int | None = None
    seen: list[EpochMetrics] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def begin(self, epochs: int, steps: int, done: int) -> None:
        self.done = done

    def after_step(self) -> None:
        if self.steps is not None:
            self.steps -= 1
            self.number = 15 if self.steps == 0 else None

    def after_epoch(self, epoch: EpochMetrics) -> None:
        self.seen.append(epoch)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def configuration(*assignments: str) -> Configuration:
    return resolve(preset="digits", assignments=[*SMALL, *assignments])


def start(path: Path, chosen: Configuration) -> RunDirectory:
    architecture = design(chosen)
    return RunDirectory.create(path, "train", chosen.to_yaml(architecture), architecture)


def go_on(run: RunDirectory, chosen: Configuration, stop: StopAfter | None = None) -> Trained:
    stop = stop or StopAfter()
    splits = split_data(chosen, load(chosen.data))
    return train_run(run, chosen, splits, torch.device("cpu"), stop, stop)


def train(path: Path, *assignments: str) -> RunDirectory:
    chosen = configuration(*assignments)
    run = start(path, chosen)
    go_on(run, chosen)
    return run


def lasting(run: RunDirectory) -> Any:
    """All that a run leaves and that must not depend on the clock."""
    metrics = [
        {key: value for key, value in epoch.plain().items() if not key.endswith(("_seconds", "_per_second"))}
        for epoch in run.read_metrics()
    ]
    summary = {
        key: value
        for key, value in run.summary.plain().items()
        if key not in ("created", "updated", "training_seconds", "wall_seconds", "digests")
    }
    weights = {
        name: tensor.numpy().tobytes()
        for path in (run.final, run.best, run.gates)
        if path.exists()
        for name, tensor in read_tensors(path)[0].items()
    }
    return metrics, summary, weights
