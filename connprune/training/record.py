"""What a training leaves in its run directory while it goes, and how it goes on from there."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from connprune.architecture.shapes import mac_count, parameter_count
from connprune.data.images import Splits
from connprune.errors import DivergedError, UsageError
from connprune.runs.directory import RunDirectory, metrics_text
from connprune.runs.gate_history import GateHistory
from connprune.tensor_files import read_tensors, write_tensors
from connprune.training.recipe import MOST_ROLLBACKS
from connprune.training.trainer import Evaluation, Trainer, evaluate


class Record:
    """Writes what a training makes into its run directory.

    Args:
        run: the directory.
        trainer: the training.
        warn: is told in a sentence when an earlier checkpoint must serve, or the training goes back to one.
    """

    def __init__(self, run: RunDirectory, trainer: Trainer, warn: Callable[[str], None]) -> None:
        self.run = run
        self.trainer = trainer
        self.metrics: list[dict[str, Any]] = []
        self.gates = [trainer.gates().numpy()]
        self.best: dict[str, Any] | None = None
        self.rollbacks = 0
        self._warn = warn
        self._saved_at = time.monotonic()
        self._saved: tuple[int, int] | None = None

    def add(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Records an epoch; the checkpoint comes last, so that all it relies on is there."""
        gates = self.trainer.gates().numpy()
        self.gates.append(gates)
        if len(gates):
            history = GateHistory.of(self.trainer.network.architecture, np.stack(self.gates))
            self.run.write_gates(history)
        self.metrics.append(metrics)
        self.run.write_metrics(self.metrics)
        if self.best is None or metrics["validation_loss"] < self.best["validation_loss"]:
            self.best = {key: metrics[key] for key in ("epoch", "validation_loss", "validation_accuracy")}
            write_tensors(self.run.best, self.trainer.network.state_dict())
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
        tensors, metadata = self.trainer.state()
        self.run.checkpoint.parent.mkdir(exist_ok=True)
        notes = {"best": self.best, "rollbacks": self.rollbacks, "metrics": metrics_text(self.metrics)}
        metadata = {**metadata, "record": json.dumps(notes)}
        write_tensors(self.run.checkpoint, tensors, metadata, self.run.previous_checkpoint)
        self._saved_at, self._saved = time.monotonic(), (self.trainer.epoch, self.trainer.step)

    def restore_if_any(self) -> None:
        """Goes on from the newest checkpoint that is whole, if there is one.

        Raises:
            UsageError: none of those that are there is whole, or they belong to something else.
        """
        there = [path for path in (self.run.checkpoint, self.run.previous_checkpoint) if path.exists()]
        for path in there:
            try:
                tensors, metadata = read_tensors(path)
            except UsageError as error:
                if path == there[-1]:
                    raise
                self._warn(f"{error} Going on from the checkpoint before it.")
            else:
                self._restore(path, tensors, metadata)
                return
        if self.trainer.recipe.on_nan == "rollback":
            self.save()

    def roll_back(self, error: DivergedError) -> bool:
        """Goes back to the last checkpoint, with half the learning rates; returns whether that was possible."""
        if self.trainer.recipe.on_nan != "rollback" or self.rollbacks == MOST_ROLLBACKS:
            return False
        rollbacks = self.rollbacks + 1
        self.restore_if_any()
        self.rollbacks = rollbacks
        self.trainer.halve_rates()
        self.save()
        done = self.trainer.epoch
        self._warn(f"{error} Going on after epoch {done} with half the rates ({rollbacks} of {MOST_ROLLBACKS} times).")
        return True

    def _restore(self, path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        try:
            self.trainer.restore(tensors, metadata)
            notes = json.loads(metadata["record"])
            self.best, self.rollbacks = notes["best"], notes["rollbacks"]
            self.metrics = [json.loads(line) for line in notes["metrics"].splitlines()]
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise UsageError(f"{path}: this checkpoint is of another network or another version.") from None
        done = self.trainer.epoch
        self._saved = done, self.trainer.step
        self.gates = self.gates[:1]
        if self.trainer.network.gates and done:
            self.gates = list(self.run.read_gates().values[: done + 1])
            if len(self.gates) <= done:
                raise UsageError(f"{self.run.gates}: this file is damaged: it ends before the checkpoint does.")

    def finish(self, splits: Splits) -> dict[str, Any]:
        """Writes the final weights, and reads the test set for the first time."""
        network = self.trainer.network
        architecture = network.architecture
        write_tensors(self.run.final, network.state_dict())
        self.run.write(self.run.metrics, metrics_text(self.metrics))
        last, best = self.metrics[-1], self.best or {}
        results: dict[str, Any] = {
            "connections": len(architecture.all_connections),
            "gated_connections": len(architecture.gated_connections),
            "gates_closed": last.get("gates_closed"),
            "target_sparsity": self._target_sparsity(),
            "layers": len(architecture.layers),
            "parameters": parameter_count(architecture),
            "macs": mac_count(architecture),
            "training_seconds": sum(metrics["epoch_seconds"] for metrics in self.metrics),
            "final": _result(last, evaluate(network, splits.test, self.trainer.recipe.precision)),
        }
        final = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        network.load_state_dict(read_tensors(self.run.best)[0])
        results["best"] = _result(best, evaluate(network, splits.test, self.trainer.recipe.precision))
        network.load_state_dict(final)
        return results

    def _target_sparsity(self) -> dict[str, Any] | None:
        """What share of the connections was to end closed, what share did, and whether that is enough."""
        architecture = self.trainer.network.architecture
        if architecture.gates is None or architecture.gates.target_sparsity is None:
            return None
        wanted = architecture.gates.target_sparsity
        reached = self.metrics[-1]["gates_closed"] / len(architecture.gated_connections)
        return {"wanted": wanted, "reached": reached, "met": reached >= wanted}


def _result(metrics: dict[str, Any], test: Evaluation) -> dict[str, Any]:
    chosen = {key: metrics[key] for key in ("epoch", "validation_loss", "validation_accuracy")}
    return {**chosen, "test_loss": test.loss, "test_accuracy": test.accuracy}
