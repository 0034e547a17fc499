"""A trained cut to compare, small enough for seconds."""

import math
from pathlib import Path
from typing import Any

import torch

from connprune.architecture.rules import Keep
from connprune.data.sources import load
from connprune.documents.base import Document
from connprune.documents.comparison import Network, Training
from connprune.documents.run import Trained
from connprune.experiments.plan import Job, Plan
from connprune.experiments.worker import work
from connprune.runs.directory import RunDirectory
from connprune.training.pruning import examine, prune, write_cut
from tests.training.helpers import train

QUICK = ("layers.0.feature_maps=4", "layers.1.feature_maps=4", "layers.4.feature_maps=4", "layers.5.feature_maps=4")


class Patience:
    """A signal that comes after the training has looked for one so many times."""

    def __init__(self, looks: float = math.inf) -> None:
        self.looks = looks

    @property
    def number(self) -> int | None:
        self.looks -= 1
        return 15 if self.looks <= 0 else None


def make_cut(folder: Path, keep: int = 22, *assignments: str) -> RunDirectory:
    parent = train(folder / "parent", *QUICK, *assignments)
    examined = examine(parent, "gate", "connection", lambda found: load(found.data), torch.device("cpu"))
    return write_cut(prune(examined, Keep(keep)), folder / "cut")


def work_off(
    plan: Plan, stop: Patience | None = None, done: list[str] | None = None, at_once: int = 1
) -> tuple[list[str], dict[Path, str]]:
    """Does what is left of a plan; returns which jobs were done, those in `done` included, and what failed."""
    done = [] if done is None else done

    def report(number: int, job: Job, outcome: Trained | str) -> None:
        if not isinstance(outcome, str):
            done.append(f"{job.candidate}/{job.seed}")

    device = torch.device("cpu")
    failed = work(plan, lambda found: load(found.data), device, stop or Patience(), report, at_once=at_once)
    return done, failed


def lasting(document: Any) -> Any:
    """What of a document does not depend on the clock or the place."""
    if isinstance(document, Document):
        return lasting(document.plain())
    if isinstance(document, dict):
        return {
            key: lasting(value)
            for key, value in document.items()
            if not key.endswith("_seconds") and key not in ("path", "cuts")
        }
    return [lasting(value) for value in document] if isinstance(document, list) else document


def network(name: str, parameters: float, macs: float) -> Network:
    """A network of this size that was trained once."""
    once = Training(seed=1, validation_accuracy=0.5, test_accuracy=0.5, training_seconds=1.0, wall_seconds=1.0)
    return Network(name=name, connections=1, layers=1, parameters=parameters, macs=macs, runs=(once,))
