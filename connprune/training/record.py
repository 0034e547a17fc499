"""What a training leaves in its run directory while it goes, and how it goes on from there."""

import json
import math
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from connprune.architecture.allowed import allowed
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import CLOSED
from connprune.architecture.cutting import cut
from connprune.architecture.rules import Threshold
from connprune.architecture.shapes import size_of
from connprune.background import Background
from connprune.data.images import Images
from connprune.data.splits import Splits, class_counts
from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import ClassResults, EpochResults, Reached
from connprune.errors import DisconnectedError, DivergedError, UsageError, lacks_memory
from connprune.runs.directory import RunDirectory, metrics_text
from connprune.runs.gate_history import GateHistory
from connprune.tensor_files import below, write_tensors
from connprune.training.checkpoints import Checkpoints, State, copied, held_on_cpu
from connprune.training.evaluation import Evaluation, evaluate
from connprune.training.events import Events
from connprune.training.penalty_schedule import TOLERANCE
from connprune.training.recipe import MOST_ROLLBACKS
from connprune.training.trainer import Trainer

# Before the names of the best weights in a checkpoint, and of what the training can go back to.
_BEST, _GOOD = "best.", "good."
_NO_PATH = "no path is left from the input to the head"
# Others see how a training goes when what they see is so old.
_SHOWN_SECONDS = 1.0


class Record:
    """Writes what a training makes into its run directory; of several processes the first one alone writes.

    Files are written beside the training: the checkpoint when it is due, with all that belongs to it, and what shows
    others how the training goes from time to time. Only the results are written while nothing else goes on.

    Args:
        run: the directory.
        trainer: the training.
        warn: is told in a sentence when an earlier checkpoint must serve, or the training goes back to one.
        events: is told of each epoch, too.
        background: writes the files.
        began: when the work on the run began, by the monotonic clock.
    """

    def __init__(
        self,
        run: RunDirectory,
        trainer: Trainer,
        warn: Callable[[str], None],
        events: Events,
        background: Background,
        began: float,
    ) -> None:
        self.run = run
        self.trainer = trainer
        self.metrics: list[EpochMetrics] = []
        self.gates = [trainer.gates().numpy()]
        self.best: EpochMetrics | None = None
        self.best_weights: dict[str, Tensor] = {}
        self.rollbacks = 0
        self.writes = trainer.group.rank == 0
        self.checkpoints = Checkpoints(run, trainer.recipe, background, warn)
        self._warn = warn
        self._events = events
        self._background = background
        self._began = began
        self._shown_at = -math.inf
        self._good: State | None = None
        self._best_written = self.best_weights

    @property
    def wall_seconds(self) -> float:
        """How long the run has been worked on, earlier processes up to their last checkpoint included."""
        return time.monotonic() - self._began

    def add(self, epoch: EpochMetrics) -> None:
        """Records an epoch.

        Raises:
            DiskFullError: what was written last could not be; the last checkpoint is still there.
        """
        gates = self.trainer.gates().numpy()
        self.gates.append(gates)
        self.metrics.append(epoch)
        self._keep_early()
        if self.best is None or epoch.validation_loss < self.best.validation_loss:
            self.best = epoch
            # First the room of the old ones is given back. New ones, not the old ones overwritten: those may be being
            # written.
            self.best_weights = {}
            self.best_weights = copied(self.trainer.model.state_dict())
        if self.writes:
            self._events.add(epoch, gates)
            self._show()
        if self.trainer.recipe.on_nan == "rollback":
            self._remember()
        if self._is_due_after(epoch.epoch_seconds):
            self.save()

    def _keep_early(self) -> None:
        """Writes the weights of the epoch that is to be kept, before any checkpoint of what comes after it."""
        trainer = self.trainer
        if self.writes and trainer.epoch == trainer.recipe.keep_early and not trainer.step:
            write_tensors(self.run.early, held_on_cpu(trainer.model.state_dict()))

    def _is_due_after(self, epoch_seconds: float) -> bool:
        trainer, every = self.trainer, self.trainer.recipe.checkpoint_epochs
        if self.is_complete or (every and trainer.epoch % every == 0):
            return True
        return trainer.group.largest(int(self.checkpoints.is_due_after(epoch_seconds))) > 0

    @property
    def is_complete(self) -> bool:
        """Whether all epochs are done, or as many went by without a better one as the recipe waits for."""
        epoch, recipe = self.trainer.epoch, self.trainer.recipe
        if recipe.early_stopping is None or self.best is None:
            return epoch >= recipe.epochs
        begun = max(self.best.epoch, math.ceil(self.trainer.penalty_schedule.warmup))
        return epoch >= recipe.epochs or epoch - begun >= recipe.early_stopping

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint is so old that another one is due within the epoch.

        Raises:
            DiskFullError: what was written last could not be; the last checkpoint is still there.
        """
        self._background.require_no_error()
        return self.checkpoints.is_due_within(self._place)

    @property
    def _place(self) -> tuple[int, int]:
        return self.trainer.epoch, self.trainer.step

    def save(self) -> None:
        """Begins to write the checkpoint, unless it is there; the one before stays beside it.

        Raises:
            DiskFullError: what was written last could not be; the last checkpoint is still there.
        """
        if self.checkpoints.begun != self._place:
            self._save()

    def wait(self) -> None:
        """Waits until the checkpoint is on the disk.

        Raises:
            DiskFullError: it could not be written; the last one is still there.
        """
        self._background.wait()

    def _save(self) -> None:
        # First, so that there are never the copies of two checkpoints.
        self._background.wait()
        tensors, metadata = self._state()
        if not self.writes:
            self.checkpoints.begin(self._place, None)
            return
        # On a CPU these are copies already, which nothing changes.
        best = {name: tensor.cpu() for name, tensor in self.best_weights.items()}
        held = held_on_cpu(tensors) | {_BEST + name: tensor for name, tensor in best.items()}
        if self._good is not None and self.trainer.step:
            good, notes = self._good
            held |= {_GOOD + name: tensor for name, tensor in held_on_cpu(good).items()}
            metadata[_GOOD] = json.dumps(notes)
        before = [self._history()]
        if best and self._best_written is not self.best_weights:
            self._best_written = self.best_weights
            before.append(lambda: write_tensors(self.run.best, best))
        self.checkpoints.begin(self._place, (held, metadata), before)

    def _state(self) -> State:
        """All that a new record and a new trainer need to go on, but for the best weights; all processes call."""
        tensors, metadata = self.trainer.state()
        tensors["gates"] = torch.from_numpy(np.stack(self.gates))
        notes = {
            "best": self.best.epoch if self.best else None,
            "rollbacks": self.rollbacks,
            "wall_seconds": self.wall_seconds,
            "metrics": metrics_text(self.metrics),
        }
        return tensors, {**metadata, "record": json.dumps(notes)}

    def _show(self) -> None:
        """Lets others see how the training goes, unless they saw it just now or something else is being written."""
        self._background.require_no_error()
        if time.monotonic() - self._shown_at > _SHOWN_SECONDS and not self._background.is_busy:
            self._shown_at = time.monotonic()
            self._background.begin(self._history())

    def _history(self) -> Callable[[], None]:
        """Writes the epochs so far."""
        architecture, metrics, gates = self.trainer.model.architecture, list(self.metrics), list(self.gates)

        def write() -> None:
            if len(gates[0]):
                self.run.write_gates(GateHistory.of(architecture, np.stack(gates)))
            self.run.write_metrics(metrics)

        return write

    def restore_if_any(self) -> None:
        """Goes on from the newest checkpoint that is whole, if there is one.

        Raises:
            UsageError: none of those that are there is whole, or they belong to something else.
        """
        found = self.trainer.group.from_first(self.checkpoints.newest() if self.writes else None)
        good: State | None = None
        if found is not None:
            path, tensors, metadata = found
            self._began -= self._restore(str(path), tensors, metadata)
            self.checkpoints.resumed(self._place)
            if _GOOD in metadata:
                good = below(_GOOD, tensors), json.loads(metadata[_GOOD])
        if self.writes:
            # What is there may be of epochs after this checkpoint.
            if self.run.metrics.exists():
                self._history()()
            if self.best_weights:
                write_tensors(self.run.best, self.best_weights)
                self._best_written = self.best_weights
            self._events.begin(self.trainer.epoch, self.gates[-1])
        self._keep_early()
        if self.trainer.recipe.on_nan == "rollback":
            self._good = good
            if good is None:
                self._remember()

    def _remember(self) -> None:
        """Keeps what the training can go back to: where it began, or its last epoch ended, whatever is on the disk."""
        tensors, metadata = self._state()
        best = {_BEST + name: tensor for name, tensor in self.best_weights.items()}
        self._good = copied(tensors) | best, metadata

    def roll_back(self, error: DivergedError) -> bool:
        """Goes back to the last epoch's end, with half the learning rates; returns whether that was possible."""
        if self._good is None or self.rollbacks == MOST_ROLLBACKS:
            return False
        rollbacks = self.rollbacks + 1
        self._restore("memory", *self._good)
        self.rollbacks = rollbacks
        self.trainer.halve_rates()
        self._remember()
        self._save()
        if self.writes:
            self._events.begin(self.trainer.epoch, self.gates[-1])
        done = self.trainer.epoch
        self._warn(f"{error} Going on after epoch {done} with half the rates ({rollbacks} of {MOST_ROLLBACKS} times).")
        return True

    def _restore(self, name: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> float:
        """Takes back what `_state` gave; gives how long the run had been worked on then, in seconds."""
        try:
            self.trainer.restore(tensors, metadata)
            notes = json.loads(metadata["record"])
            self.rollbacks = notes["rollbacks"]
            self.metrics = [EpochMetrics.parse(json.loads(line), name) for line in notes["metrics"].splitlines()]
            self.best = self.metrics[notes["best"] - 1] if notes["best"] else None
            self.gates = list(tensors["gates"].numpy())
            seconds = notes["wall_seconds"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            if lacks_memory(error) or isinstance(error, torch.AcceleratorError):
                raise
            raise UsageError(f"{name}: this checkpoint is of another network or another version.") from None
        self.best_weights = below(_BEST, tensors)
        return float(seconds)

    def finish(self, splits: Splits) -> dict[str, object]:
        """Writes the final weights, and reads the test set for the first time; gives what the summary says of them."""
        network = self.trainer.model
        self.wait()
        if self.writes:
            self.run.write(self.run.metrics, metrics_text(self.metrics))
            write_tensors(self.run.final, network.state_dict())
        last, best = self.metrics[-1], self.best or self.metrics[-1]
        test = self._evaluated(splits.test)
        results: dict[str, object] = {
            "gates_closed": last.gates_closed,
            "target_sparsity": self._target_sparsity(),
            "budget": self._budget(),
            "training_seconds": sum(epoch.epoch_seconds for epoch in self.metrics),
            "final": _result(last, test),
            "per_class": per_class(splits, test),
        }
        final = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        network.load_state_dict(self.best_weights)
        results["best"] = _result(best, self._evaluated(splits.test))
        network.load_state_dict(final)
        results["wall_seconds"] = self.wall_seconds
        return results

    def _evaluated(self, images: Images) -> Evaluation:
        trainer = self.trainer
        with trainer.fixed_order():
            return evaluate(trainer.model, images, trainer.precision, trainer.group)

    def _target_sparsity(self) -> Reached | None:
        """What share of the connections was to end closed, what share did, and whether that is enough."""
        architecture = self.trainer.model.architecture
        if architecture.gates is None or architecture.gates.target_sparsity is None:
            return None
        wanted = architecture.gates.target_sparsity
        reached = (self.metrics[-1].gates_closed or 0) / len(architecture.gated_connections)
        # A share that the whole number of connections rounds to the limit is within it.
        met = abs(reached - wanted) <= TOLERANCE + 1e-9
        if not met:
            self._warn(
                f"gates.target_sparsity: {reached:.0%} of the connections ended closed, not {wanted:.0%}; "
                + (
                    "train for more epochs, or raise gates.rate."
                    if reached < wanted
                    else "lower gates.penalty, with which so many close without a target."
                )
            )
        return Reached(wanted=wanted, reached=reached, met=met)

    def _budget(self) -> dict[str, Reached] | None:
        """For each count with a budget, what was allowed, what is left without closed gates, and whether that fits."""
        architecture = self.trainer.model.architecture
        gates = architecture.gates
        if gates is None or gates.budget is None:
            return None
        parts = self.trainer.gates().split(architecture.gate_counts)
        scores = {
            str(connection): part.tolist() if gates.sharing == "per-feature-map" else part.item()
            for connection, part in zip(architecture.gated_connections, parts, strict=True)
        }
        most = allowed(architecture)
        try:
            after = cut(architecture, scores, Threshold(CLOSED)).report.after
            left = {name: getattr(after, name) for name in most}
        except DisconnectedError:
            left = dict.fromkeys(most, 0)
        found = {
            name: Reached(wanted=limit, reached=left[name], met=0 < left[name] <= (1 + TOLERANCE) * limit)
            for name, limit in most.items()
        }
        for name, each in found.items():
            if not each.met:
                rest = f"the network has {each.reached:,.0f}, not {each.wanted:,.0f}" if each.reached else _NO_PATH
                self._warn(
                    f"gates.budget.{name}: without its closed gates {rest}; `connprune prune` without a rule cuts it "
                    "down to the budget."
                )
        return found


def counted(architecture: Architecture) -> dict[str, int]:
    """What a summary says of the network, from the beginning on."""
    counts = size_of(architecture).model_dump(exclude={"feature_maps"})
    return {**counts, "gated_connections": len(architecture.gated_connections)}


def per_class(splits: Splits, test: Evaluation) -> tuple[ClassResults, ...]:
    """How many images each class has in each part, and what share of its test images the final network gets right."""
    counts = (class_counts(part, len(splits.classes)) for part in (splits.train, splits.validation, splits.test))
    return tuple(
        ClassResults(
            name=name, train=train, validation=validation, test=tested, test_accuracy=right / tested if tested else None
        )
        for name, train, validation, tested, right in zip(splits.classes, *counts, test.right, strict=True)
    )


def _result(epoch: EpochMetrics, test: Evaluation) -> EpochResults:
    return EpochResults(
        epoch=epoch.epoch,
        validation_loss=epoch.validation_loss,
        validation_accuracy=epoch.validation_accuracy,
        test_loss=test.loss,
        test_accuracy=test.accuracy,
    )
