"""What a training leaves in its run directory while it goes, and how it goes on from there."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from connprune.architecture.allowed import allowed
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import CLOSED
from connprune.architecture.cutting import cut
from connprune.architecture.rules import Threshold
from connprune.architecture.shapes import gates_of_each, mac_count, parameter_count
from connprune.data.images import Images
from connprune.data.splits import Splits, class_counts
from connprune.errors import DisconnectedError, DivergedError, UsageError
from connprune.runs.directory import RunDirectory, metrics_text
from connprune.runs.gate_history import GateHistory
from connprune.tensor_files import read_tensors, write_tensors
from connprune.training.evaluation import Evaluation, evaluate
from connprune.training.events import Events
from connprune.training.pressure import TOLERANCE
from connprune.training.recipe import MOST_ROLLBACKS
from connprune.training.trainer import Trainer


class Record:
    """Writes what a training makes into its run directory; of several processes the first one alone writes.

    Args:
        run: the directory.
        trainer: the training.
        warn: is told in a sentence when an earlier checkpoint must serve, or the training goes back to one.
        events: is told of each epoch, too.
    """

    def __init__(self, run: RunDirectory, trainer: Trainer, warn: Callable[[str], None], events: Events) -> None:
        self.run = run
        self.trainer = trainer
        self.metrics: list[dict[str, Any]] = []
        self.gates = [trainer.gates().numpy()]
        self.best: dict[str, Any] | None = None
        self.best_weights: dict[str, Tensor] = {}
        self.rollbacks = 0
        self.writes = trainer.group.rank == 0
        self._warn = warn
        self._events = events
        self._saved_at = time.monotonic()
        self._saved: tuple[int, int] | None = None

    def add(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Records an epoch; the checkpoint comes last, so that all it relies on is there."""
        gates = self.trainer.gates().numpy()
        self.gates.append(gates)
        self.metrics.append(metrics)
        is_best = self.best is None or metrics["validation_loss"] < self.best["validation_loss"]
        if is_best:
            self.best = {key: metrics[key] for key in ("epoch", "validation_loss", "validation_accuracy")}
            state = self.trainer.network.state_dict()
            self.best_weights = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
        if self.writes:
            if len(gates):
                self.run.write_gates(GateHistory.of(self.trainer.network.architecture, np.stack(self.gates)))
            self.run.write_metrics(self.metrics)
            if is_best:
                write_tensors(self.run.best, self.best_weights)
            self._events.add(metrics, gates)
        recipe = self.trainer.recipe
        if self.trainer.epoch % recipe.checkpoint_epochs == 0 or self.trainer.epoch == recipe.epochs:
            self.save()
        return metrics

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint is so old that another one is due within the epoch."""
        old = time.monotonic() - self._saved_at > 60 * self.trainer.recipe.checkpoint_minutes
        return old and self._saved != (self.trainer.epoch, self.trainer.step)

    @property
    def last_checkpoint(self) -> str:
        """Where the training could go on from, as a sentence."""
        if self._saved is None:
            return "There is no checkpoint yet."
        epochs, steps = self._saved
        within = f" and {steps} steps" if steps else ""
        return f"The last good checkpoint is after {epochs} epochs{within}."

    def save(self) -> None:
        """Writes the checkpoint; the one before stays beside it.

        Raises:
            DiskFullError: it could not be written; the last one is still there.
        """
        self._write(self.run.previous_checkpoint)

    def _write(self, previous: Path | None) -> None:
        tensors, metadata = self.trainer.state()
        if self.writes:
            self.run.checkpoint.parent.mkdir(exist_ok=True)
            tensors |= {f"best.{name}": tensor for name, tensor in self.best_weights.items()}
            tensors["gates"] = torch.from_numpy(np.stack(self.gates))
            notes = {"best": self.best, "rollbacks": self.rollbacks, "metrics": metrics_text(self.metrics)}
            write_tensors(self.run.checkpoint, tensors, {**metadata, "record": json.dumps(notes)}, previous)
        self._saved_at, self._saved = time.monotonic(), (self.trainer.epoch, self.trainer.step)

    def restore_if_any(self) -> None:
        """Goes on from the newest checkpoint that is whole, if there is one.

        Raises:
            UsageError: none of those that are there is whole, or they belong to something else.
        """
        found = self.trainer.group.from_first(self._newest() if self.writes else None)
        if found is not None:
            self._restore(*found)
        elif self.trainer.recipe.on_nan == "rollback":
            self.save()
        if self.writes:
            self._events.begin(self.trainer.epoch, self.gates[-1])

    def _newest(self) -> tuple[Path, dict[str, Tensor], dict[str, str]] | None:
        there = [path for path in (self.run.checkpoint, self.run.previous_checkpoint) if path.exists()]
        for path in there:
            try:
                return path, *read_tensors(path)
            except UsageError as error:
                if path == there[-1]:
                    raise
                self._warn(f"{error} Going on from the checkpoint before it.")
                # Else the next one would keep it as the one before.
                path.unlink()
        return None

    def roll_back(self, error: DivergedError) -> bool:
        """Goes back to the last checkpoint, with half the learning rates; returns whether that was possible."""
        if self.trainer.recipe.on_nan != "rollback" or self.rollbacks == MOST_ROLLBACKS:
            return False
        rollbacks = self.rollbacks + 1
        self.restore_if_any()
        self.rollbacks = rollbacks
        self.trainer.halve_rates()
        self._write(None)
        done = self.trainer.epoch
        self._warn(f"{error} Going on after epoch {done} with half the rates ({rollbacks} of {MOST_ROLLBACKS} times).")
        return True

    def _restore(self, path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        try:
            self.trainer.restore(tensors, metadata)
            notes = json.loads(metadata["record"])
            self.best, self.rollbacks = notes["best"], notes["rollbacks"]
            self.metrics = [json.loads(line) for line in notes["metrics"].splitlines()]
            self.gates = list(tensors["gates"].numpy())
        except torch.OutOfMemoryError:
            raise
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise UsageError(f"{path}: this checkpoint is of another network or another version.") from None
        self.best_weights = {
            name.removeprefix("best."): tensor for name, tensor in tensors.items() if name.startswith("best.")
        }
        self._saved = self.trainer.epoch, self.trainer.step
        if self.writes and self.best_weights:
            # What is there may be of epochs after this checkpoint.
            write_tensors(self.run.best, self.best_weights)

    def finish(self, splits: Splits) -> dict[str, Any]:
        """Writes the final weights, and reads the test set for the first time."""
        network = self.trainer.network
        architecture = network.architecture
        if self.writes:
            self.run.write(self.run.metrics, metrics_text(self.metrics))
            write_tensors(self.run.final, network.state_dict())
        last, best = self.metrics[-1], self.best or {}
        test = self._evaluated(splits.test)
        results: dict[str, Any] = {
            **counted(architecture),
            "gates_closed": last.get("gates_closed"),
            "target_sparsity": self._target_sparsity(),
            "budget": self._budget(),
            "training_seconds": sum(metrics["epoch_seconds"] for metrics in self.metrics),
            "final": _result(last, test),
            "per_class": per_class(splits, test),
        }
        final = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        network.load_state_dict(self.best_weights)
        results["best"] = _result(best, self._evaluated(splits.test))
        network.load_state_dict(final)
        return results

    def _evaluated(self, images: Images) -> Evaluation:
        trainer = self.trainer
        return evaluate(trainer.network, images, trainer.recipe.precision, trainer.group)

    def _target_sparsity(self) -> dict[str, Any] | None:
        """What share of the connections was to end closed, what share did, and whether that is enough."""
        architecture = self.trainer.network.architecture
        if architecture.gates is None or architecture.gates.target_sparsity is None:
            return None
        wanted = architecture.gates.target_sparsity
        reached = self.metrics[-1]["gates_closed"] / len(architecture.gated_connections)
        # A share that the whole number of connections rounds to the limit is within it.
        met = abs(reached - wanted) <= TOLERANCE + 1e-9
        if not met:
            self._warn(
                f"gates.target_sparsity: {reached:.0%} of the connections ended closed, not {wanted:.0%}; "
                + (
                    "train for more epochs, or raise gates.rate."
                    if reached < wanted
                    else "lower gates.penalty, with which so many close without being pressed to the target."
                )
            )
        return {"wanted": wanted, "reached": reached, "met": met}

    def _budget(self) -> dict[str, Any] | None:
        """For each count with a budget, what was allowed, what is left without closed gates, and whether that fits."""
        architecture = self.trainer.network.architecture
        gates = architecture.gates
        if gates is None or gates.budget is None:
            return None
        parts = self.trainer.gates().split(gates_of_each(architecture))
        scores = {
            str(connection): part.tolist() if gates.sharing == "per-feature-map" else part.item()
            for connection, part in zip(architecture.gated_connections, parts, strict=True)
        }
        most = allowed(architecture)
        try:
            left = cut(architecture, scores, Threshold(CLOSED)).report.left
        except DisconnectedError:
            left = dict.fromkeys(most, 0)
        found = {
            name: {"wanted": limit, "reached": left[name], "met": 0 < left[name] <= (1 + TOLERANCE) * limit}
            for name, limit in most.items()
        }
        for name, each in found.items():
            if not each["met"]:
                self._warn(
                    f"gates.budget.{name}: without its closed gates the network has {each['reached']:,}, not "
                    f"{each['wanted']:,}; `connprune prune` without a rule cuts it down to the budget."
                )
        return found


def counted(architecture: Architecture) -> dict[str, int]:
    """What a summary says of the network, from the beginning on."""
    return {
        "connections": len(architecture.all_connections),
        "gated_connections": len(architecture.gated_connections),
        "layers": len(architecture.layers),
        "parameters": parameter_count(architecture),
        "macs": mac_count(architecture),
    }


def per_class(splits: Splits, test: Evaluation) -> list[dict[str, Any]]:
    """How many images each class has in each part, and what share of its test images the final network gets right."""
    parts = ("train", "validation", "test")
    counts = zip(*(class_counts(getattr(splits, part), len(splits.classes)) for part in parts), strict=True)
    return [
        {"class": name, **dict(zip(parts, each, strict=True)), "test_accuracy": right / each[-1] if each[-1] else None}
        for name, each, right in zip(splits.classes, counts, test.right, strict=True)
    ]


def _result(metrics: dict[str, Any], test: Evaluation) -> dict[str, Any]:
    chosen = {key: metrics[key] for key in ("epoch", "validation_loss", "validation_accuracy")}
    return {**chosen, "test_loss": test.loss, "test_accuracy": test.accuracy}
