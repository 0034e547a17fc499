"""One training in one run directory, from the first epoch or from a checkpoint to the results."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from connprune.architecture.gates import FromRun
from connprune.architecture.shapes import gates_of_each, mac_count, parameter_count
from connprune.data.images import Dataset, Splits, normalisation, split
from connprune.data.random import stream_seed
from connprune.errors import InterruptedRunError, UsageError
from connprune.files import read_tensors, write_tensors
from connprune.network.network import Network, build
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory
from connprune.training.configuration import Configuration
from connprune.training.trainer import Evaluation, Trainer, evaluate


class Watcher(Protocol):
    """Sees a training go by."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """The training starts: this many epochs in all, steps an epoch, and epochs already done."""

    def after_step(self) -> None:
        """A step is done."""

    def after_epoch(self, metrics: dict[str, Any]) -> None:
        """An epoch is done."""

    def warning(self, text: str) -> None:
        """Something does not go as it should, but the training goes on; a sentence."""


class StopSignal(Protocol):
    """Says whether a signal asked for the training to stop."""

    @property
    def number(self) -> int | None:
        """The signal, or None."""


def split_data(configuration: Configuration, dataset: Dataset) -> Splits:
    """Splits the images for a configuration.

    Raises:
        UsageError: the images are not of the shape or the classes that the configuration is for, or too few.
    """
    configuration.architecture_for(dataset.shape, len(dataset.classes))
    return split(dataset, configuration.data)


def train_run(
    run: RunDirectory,
    configuration: Configuration,
    splits: Splits,
    device: torch.device,
    watcher: Watcher,
    stop: StopSignal,
) -> dict[str, Any]:
    """Trains the run's architecture until all epochs are done; goes on from a checkpoint if the run has one.

    Returns:
        The summary, also written to `summary.json`.

    Raises:
        InterruptedRunError: a signal came; the checkpoint was saved first.
        ConnpruneError: the training diverged.
        UsageError: another process trains in this run, the images are others than those it began with, or the
            checkpoint is damaged or belongs to something else.
    """
    with run.locked():
        return train_locked(run, configuration, splits, device, watcher, stop)


def train_locked(
    run: RunDirectory,
    configuration: Configuration,
    splits: Splits,
    device: torch.device,
    watcher: Watcher,
    stop: StopSignal,
) -> dict[str, Any]:
    """What `train_run` does, in a run that the caller has locked."""
    before = run.summary.get("data_digest", splits.digest)
    if before != splits.digest:
        raise UsageError(f"{run.path}: the images have changed since this run began; start a new run.")
    with run.status_on_error():
        recipe = configuration.training
        torch.manual_seed(stream_seed(recipe.seed, "weights"))
        network = build(run.architecture())
        mean, divisor = normalisation(splits.train, configuration.data.normalise)
        network.mean.copy_(mean)
        network.divisor.copy_(divisor)
        gates = network.architecture.gates
        if run.initial.exists():
            _load(network, run.initial, read_tensors(run.initial)[0])
        elif network.gates and gates and isinstance(gates.initialisation, FromRun):
            take_over_gates(network, RunDirectory.open(Path(gates.initialisation.run)))
        on_device = splits.to(device)
        trainer = Trainer(network.to(device), on_device, configuration.data.augment, recipe, watcher.warning)
        record = _Record(run, trainer)
        if run.checkpoint.exists():
            record.restore()
        run.begin({"epochs": recipe.epochs, "data_digest": splits.digest, "classes": list(splits.classes)})
        watcher.begin(recipe.epochs, trainer.steps, trainer.epoch)
        while trainer.epoch < recipe.epochs:
            metrics = trainer.train_epoch(lambda: stop.number is not None, watcher.after_step)
            if metrics is None:
                raise _interrupted(record, stop)
            watcher.after_epoch(record.add(metrics, recipe.checkpoint_epochs))
        return run.summarise({"status": "finished", **record.finish(on_device)})


def take_over_gates(network: Network, other: RunDirectory) -> None:
    """Starts a network's gates where another run's ended.

    Raises:
        UsageError: the other run has not ended, or lacks one of the gates.
    """
    weights = other.final_weights()
    theirs, ours = other.architecture(), network.architecture
    if "gates.weight" not in weights:
        raise UsageError(f"gates.initialisation.run: {other.path} has no gates.")
    found = dict(
        zip(map(str, theirs.gated_connections), weights["gates.weight"].split(gates_of_each(theirs)), strict=True)
    )
    parts = []
    for connection, count in zip(ours.gated_connections, gates_of_each(ours), strict=True):
        part = found.get(str(connection))
        if part is None or len(part) != count:
            have = "none" if part is None else len(part)
            raise UsageError(f"gates.initialisation.run: {connection} has {count} gates, but in {other.path} {have}.")
        parts.append(part)
    with torch.no_grad():
        network.gates.weight.copy_(torch.cat(parts))  # type: ignore[union-attr]


class _Record:
    """Writes what a training makes into its run directory."""

    def __init__(self, run: RunDirectory, trainer: Trainer) -> None:
        self.run = run
        self.trainer = trainer
        self.metrics: list[dict[str, Any]] = []
        self.gates = [trainer.gates().numpy()]
        self.best: dict[str, Any] | None = None

    def add(self, metrics: dict[str, Any], checkpoint_epochs: int) -> dict[str, Any]:
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
        if self.trainer.epoch % checkpoint_epochs == 0 or self.trainer.epoch == self.trainer.recipe.epochs:
            self.save()
        return metrics

    def save(self) -> None:
        """Writes the checkpoint."""
        tensors, metadata = self.trainer.state()
        self.run.checkpoint.parent.mkdir(exist_ok=True)
        write_tensors(self.run.checkpoint, tensors, {**metadata, "best": json.dumps(self.best)})

    def restore(self) -> None:
        """Takes back the checkpoint, and what was recorded up to it."""
        tensors, metadata = read_tensors(self.run.checkpoint)
        try:
            self.trainer.restore(tensors, metadata)
            self.best = json.loads(metadata["best"])
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise UsageError(f"{self.run.checkpoint}: this checkpoint is damaged or of another network.") from None
        done = self.trainer.epoch
        self.metrics = self.run.read_metrics()[:done]
        if self.trainer.network.gates and done:
            self.gates = list(self.run.read_gates().values[: done + 1])
        if len(self.metrics) < done:
            raise UsageError(f"{self.run.metrics}: this file is damaged: it ends before the checkpoint does.")

    def finish(self, splits: Splits) -> dict[str, Any]:
        """Writes the final weights, and reads the test set for the first time."""
        network = self.trainer.network
        architecture = network.architecture
        write_tensors(self.run.final, network.state_dict())
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


def load_network(run: RunDirectory) -> Network:
    """The network of a finished run or of a cut, with its final weights, ready for evaluation.

    Raises:
        UsageError: the run has not ended, or its files do not belong together.
    """
    network = build(run.architecture())
    _load(network, run.final, run.final_weights())
    return network.eval()


def _load(network: Network, path: Path, weights: Mapping[str, Tensor]) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError:
        raise UsageError(f"{path}: these weights do not belong to the architecture beside them.") from None


def _result(metrics: dict[str, Any], test: Evaluation) -> dict[str, Any]:
    chosen = {key: metrics[key] for key in ("epoch", "validation_loss", "validation_accuracy")}
    return {**chosen, "test_loss": test.loss, "test_accuracy": test.accuracy}


def _interrupted(record: _Record, stop: StopSignal) -> InterruptedRunError:
    record.save()
    trainer = record.trainer
    return InterruptedRunError(
        f"Interrupted in epoch {trainer.epoch + 1} after step {trainer.step}; the checkpoint is saved. "
        f"Go on with `{record.run.resume_command}`.",
        stop.number or 0,
    )
