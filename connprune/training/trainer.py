"""The training loop: one epoch at a time, stoppable and restorable after any step."""

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import CLOSED
from connprune.data.augmentation import Operations
from connprune.data.batches import Draws, Epoch, draw_epoch, steps_of
from connprune.data.random import stream_seed
from connprune.data.settings import Augment
from connprune.data.splits import Splits
from connprune.data.supply import Supply
from connprune.documents.epoch import EpochMetrics
from connprune.errors import DivergedError, UsageError
from connprune.network.network import Network
from connprune.network.penalties import PENALTIES, relative_costs
from connprune.tensor_files import below
from connprune.training.averaging import WeightAverage
from connprune.training.batch_sizes import fewest_images
from connprune.training.compilation import CompiledStep
from connprune.training.constraint import CostConstraint
from connprune.training.cuda_graph import CapturedStep, Step
from connprune.training.determinism import in_fixed_order
from connprune.training.evaluation import evaluate
from connprune.training.group import Group, SingleProcess
from connprune.training.loss import Loss
from connprune.training.optimizer import can_be_recorded, make_optimizer, rates
from connprune.training.optimizer_state import OptimizerState
from connprune.training.penalty_schedule import PenaltySchedule
from connprune.training.precision import precision_on
from connprune.training.recipe import RECOMPUTE_FROM, Recipe
from connprune.training.scheduler import make_scheduler
from connprune.training.step import Penalty, Surrogate, TrainingStep
from connprune.training.turns import Turns, finished, random_numbers

# What a step sums up over an epoch.
_SUMS = ("loss", "right")


def recomputes_merges(architecture: Architecture, recipe: Recipe) -> bool:
    """Whether concatenations are recomputed in the backward pass."""
    if recipe.recompute != "auto":
        return recipe.recompute
    shapes = architecture.shapes
    kept = sum(
        shapes.merged[target].numel
        for target, sources in architecture.connections.items()
        if len(sources) > 1 and architecture.aggregate[target].only_stacks
    )
    return kept > RECOMPUTE_FROM * sum(shape.numel for shape in shapes.output.values())


class Trainer:
    """A network under training.

    Args:
        network: on its device; trained in place.
        splits: the images, on the same device or supplied to it.
        augment: random changes to training images.
        recipe: seed, batch size, optimizer, schedule.
        warn: is told in a sentence of what does not go as it should, and does not end the training.
        group: the processes that train the network together; None is this one alone.

    Attributes:
        model: what is validated and kept: the network, or one with the average of its weights.
        fixed_order: in what it gives, operations add up in a fixed order if the recipe wants it.
        epoch: how many epochs are done.
        step: how many steps of the epoch under way are done.
        precision: of the arithmetic, here.
    """

    def __init__(
        self,
        network: Network,
        splits: Splits,
        augment: Augment,
        recipe: Recipe,
        warn: Callable[[str], None],
        group: Group | None = None,
    ) -> None:
        self.group = group or SingleProcess()
        self.network = network
        self.splits = splits
        self.augment = augment
        self.recipe = recipe
        self.device = splits.train.labels.device
        self._supply = Supply(splits.train) if splits.train.stays_on_host else None
        self.precision = precision_on(self.device, recipe.precision)
        network.recompute_merges(recomputes_merges(network.architecture, recipe))
        self.optimizer = make_optimizer(network, recipe.optimizer)
        self._optimizer_state = OptimizerState(network, self.optimizer)
        self.penalty_schedule = PenaltySchedule(network.architecture.gates, recipe.epochs)
        self._directions = (
            torch.ones_like(network.gates.weight, requires_grad=False) if network.gates else torch.ones(0)
        )
        self._coefficient, self._weight = torch.zeros((), device=self.device), 0.0
        self._fewest = fewest_images(network.architecture)
        self.steps = steps_of(len(splits.train), recipe.batch_size, self._fewest)
        self.scheduler = make_scheduler(self.optimizer, recipe, self.steps)
        penalised_steps = round((recipe.epochs - self.penalty_schedule.warmup) * self.steps)
        self.constraint = CostConstraint(network, penalised_steps) if self.penalty_schedule.is_constraint else None
        self._gates_have_surrogate = network.gates is not None and network.gates.kind.has_surrogate
        self._average = None if recipe.ema_decay is None else WeightAverage(network, recipe.ema_decay)
        self.model = network if self._average is None else self._average.network
        self._step = TrainingStep(
            self.group.wrapped(network, self._gates_have_surrogate),
            splits.train,
            Operations(augment.operations, splits.train.images),
            self.optimizer,
            Loss(recipe, splits.train.labels, network.architecture.classes),
            self._penalty(),
            self.precision,
            self._surrogate(),
            clip_norm=recipe.clip_norm,
            parts=recipe.accumulate,
            fewest=self._fewest,
            average=self._average,
        )
        is_fixed = recipe.deterministic and self.device.type == "cuda"
        self.fixed_order: Callable[[], AbstractContextManager[None]] = in_fixed_order if is_fixed else nullcontext
        self._warn = warn
        self._whole_step: Step = self._step
        if recipe.compile and self.group.size > 1:
            warn("training.compile is for a training in one process, so steps are taken as they are")
        elif recipe.compile:
            self._whole_step = CompiledStep(self._step, warn)
        self._captures = self.device.type == "cuda" and recipe.capture and self.group.size == 1
        if self._captures and not can_be_recorded(self.optimizer):
            self._captures = False
            warn(
                f"training steps are not recorded as a CUDA graph, so they take longer: the optimizer "
                f"{recipe.optimizer.kind} has no argument capturable"
            )
        self._take_step = self._fresh_step()
        self.epoch = 0
        self.step = 0
        self._seconds = 0.0
        self._random_state: Tensor | None = None

    def train_epoch(self, stopped: Callable[[], bool], after_step: Callable[[], None]) -> EpochMetrics | None:
        """Trains one epoch, or what is left of it, and validates, see `epoch_in_turns`."""
        return finished(self.epoch_in_turns(stopped, after_step))

    def epoch_in_turns(self, stopped: Callable[[], bool], after_step: Callable[[], None]) -> Turns[EpochMetrics | None]:
        """Trains one epoch, or what is left of it, and validates; leaves off after each step.

        Args:
            stopped: asked before each step; True ends the epoch there, to be continued by another call.
            after_step: called after each step.

        Returns:
            The epoch, or None if it was stopped.

        Raises:
            DivergedError: the loss is no longer a finite number.
            UsageError: it is to be deterministic, which an operation on CUDA cannot be.
        """
        started = time.perf_counter()
        with self.fixed_order():
            epoch = self._begun_epoch()
        while self.step < self.steps:
            if stopped():
                self._seconds += time.perf_counter() - started
                self._random_state = self._generator.get_state()
                return None
            with self.fixed_order():
                self._train_step(epoch.draws_of(self.step))
            self.step += 1
            after_step()
            yield
        with self.fixed_order():
            return self._ended_epoch(started)

    def _begun_epoch(self) -> Epoch:
        """Prepares the next epoch, or what is left of it; gives its batches."""
        self.network.train()
        if self.network.gates:
            self.network.gates.anneal(self.epoch / (self.recipe.epochs - 1) if self.recipe.epochs > 1 else 1.0)
            if not self.step:
                self._directions.copy_(self._gate_directions())
        epoch = self._draw_epoch()
        self._set_random_state()
        return epoch

    def _ended_epoch(self, started: float) -> EpochMetrics:
        """Validates after the last step; gives the epoch, of which what is left began at `started`."""
        all_rates = rates(self.optimizer)
        count = len(self.splits.train)
        self.group.add_up(self._step.loss, self._step.right)
        loss, right = self._step.loss.item() / count, self._step.right.item() / count
        self.group.share_buffers(self.network)
        if self._average is not None:
            self.group.share_buffers(self.model)
        validation = evaluate(self.model, self.splits.validation, self.precision, self.group)
        self.require_finite()
        if not math.isfinite(validation.loss):
            raise self._diverged(f"after step {self.steps}", f"the validation loss is {validation.loss}")
        seconds = self._seconds + time.perf_counter() - started
        penalty = self._penalty_metrics() if self.network.gates else {}
        self.scheduler.after_epoch(validation.loss)
        closed = None
        if self.network.gates:
            magnitudes = self._magnitudes()
            closed = sum(magnitude < CLOSED for magnitude in magnitudes)
            self.penalty_schedule.after_epoch(self.epoch + 1, closed / len(magnitudes))
        self._begin_epoch(self.epoch + 1)
        return EpochMetrics(
            epoch=self.epoch,
            train_loss=loss,
            train_accuracy=right,
            validation_loss=validation.loss,
            validation_accuracy=validation.accuracy,
            rate=all_rates[0],
            gate_rate=all_rates[-1] if self.network.gates else None,
            **penalty,
            epoch_seconds=seconds,
            images_per_second=count / seconds,
            gates_closed=closed,
        )

    def require_finite(self) -> None:
        """Checks the losses of the epoch so far.

        Raises:
            DivergedError: one of them was no finite number.
        """
        finite = -self.group.largest(-int(self._step.finite.item()))
        if finite < self.step:
            raise self._diverged(f"in step {finite + 1} of {self.steps}", "the loss is no finite number")

    def require_sound(self) -> None:
        """Checks the losses so far, and what the last step made of the weights: no loss has shown that yet.

        Raises:
            DivergedError: one of them is no finite number.
        """
        self.require_finite()
        if not torch.stack([parameter.isfinite().all() for parameter in self.network.parameters()]).all():
            raise self._diverged(f"in step {self.step} of {self.steps}", "a weight is no finite number")

    def halve_rates(self) -> None:
        """Halves all learning rates, now and for the rest of the schedule."""
        self.scheduler.halve()

    def _diverged(self, when: str, what: str) -> DivergedError:
        rate = rates(self.optimizer)[0]
        advice = "" if self.recipe.on_nan == "rollback" else ", or set training.on_nan=rollback"
        return DivergedError(
            f"The training diverged in epoch {self.epoch + 1}, {when}: {what}; lower training.optimizer.rate "
            f"(now {rate:g}){advice}."
        )

    def endless_steps(self) -> Callable[[], None]:
        """One step a call, over the batches of this epoch again and again: what benchmarks time."""
        epoch = self._draw_epoch()

        def step() -> None:
            with self.fixed_order():
                self._train_step(epoch.draws_of(self.step))
            self.step = (self.step + 1) % self.steps

        return step

    def _penalty_metrics(self) -> dict[str, float]:
        weight = self.penalty_schedule.weight(self.epoch + 1)
        return {"penalty": weight} if self.constraint is None else self.constraint.metrics(weight)

    def _magnitudes(self) -> list[float]:
        """The magnitude of each connection's gate as it is now, of several gates the largest."""
        counts = self.network.architecture.gate_counts
        return [gates.max().item() for gates in self.gates().abs().split(counts)]

    def _gate_directions(self) -> Tensor:
        """Where the penalty moves each gate in this epoch, from -1, open, to 1, closed: (gates,)."""
        directions = torch.tensor(self.penalty_schedule.directions(self.epoch, self._magnitudes()), dtype=torch.float32)
        return directions.repeat_interleave(torch.tensor(self.network.architecture.gate_counts))

    def gates(self) -> Tensor:
        """The model's gates as they are now, (gates,) on the CPU; empty for a network without."""
        return self.model.gates.values().detach().cpu().clone() if self.model.gates else torch.empty(0)

    def state(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """All that a new trainer needs to go on bit for bit: tensors, and plain values as text; all processes call."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        if self._average is not None:
            tensors |= {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        remembered, plainly_remembered = self._optimizer_state.save()
        tensors |= {f"optimizer.{name}": tensor for name, tensor in remembered.items()}
        sums = {name: getattr(self._step, name).clone() for name in _SUMS}
        self.group.add_up(*sums.values())
        tensors |= sums
        if self.network.gates:
            tensors["directions"] = self._directions
        if self.constraint is not None:
            tensors["multipliers"] = self.constraint.multipliers.clone()
        tensors |= {name: buffer.clone() for name, buffer in self._resumed_buffers()}
        if self._random_state is not None:
            states = self.group.gathered(self._random_state)
            tensors |= {f"random_state.{rank}": state for rank, state in enumerate(states)}
        plain = {"epoch": self.epoch, "step": self.step, "seconds": self._seconds, "device": self.device.type}
        return tensors, {
            "progress": json.dumps(
                {
                    **plain,
                    "optimizer": plainly_remembered,
                    "scheduler": self.scheduler.state_dict(),
                    "penalty_schedule": self.penalty_schedule.state_dict(),
                }
            )
        }

    def restore(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Takes back what `state` gave.

        Raises:
            UsageError: it was written within an epoch on another kind of device, whose random numbers are others.
            KeyError, ValueError, RuntimeError: it belongs to another network or another recipe.
        """
        progress = json.loads(metadata["progress"])
        if progress["step"] and progress["device"] != self.device.type:
            raise UsageError(
                f"The checkpoint was written within an epoch on {progress['device']}, whose random numbers "
                f"{self.device.type} cannot continue; resume on the device {progress['device']}."
            )
        self.network.load_state_dict(below("network.", tensors))
        if self._average is not None:
            self.model.load_state_dict(below("model.", tensors))
        remembered = below("optimizer.", tensors)
        self._optimizer_state.restore(remembered, progress.get("optimizer", {}))
        self.scheduler.load_state_dict(progress["scheduler"])
        self.penalty_schedule.load_state_dict(progress["penalty_schedule"])
        self._take_step = self._fresh_step()
        self.epoch, self.step, self._seconds = progress["epoch"], progress["step"], progress["seconds"]
        for name in _SUMS:
            # What was summed so far is counted once, by the first process; the others only count their steps.
            own = getattr(self._step, name)
            own.copy_(tensors[name] if self.group.rank == 0 else torch.zeros_like(own))
        self._step.finite.fill_(self.step)
        self._random_state = tensors.get(f"random_state.{self.group.rank}") if progress["step"] else None
        if progress["step"] and self._random_state is None:
            # Written by fewer processes: this one begins a stream of its own.
            torch.manual_seed(stream_seed(self.recipe.seed, "dropout", self.epoch, self.group.rank, self.step))
            self._random_state = self._generator.get_state()
        if self.network.gates:
            self._directions.copy_(tensors["directions"])
        if self.constraint is not None:
            self.constraint.multipliers.copy_(tensors["multipliers"])
        for name, buffer in self._resumed_buffers():
            buffer.copy_(tensors[name])

    def _resumed_buffers(self) -> list[tuple[str, Tensor]]:
        """What the gates' kind keeps from step to step, by the names of a checkpoint."""
        kind = self.network.gates.kind if self.network.gates else None
        return [(name, kind.get_buffer(name)) for name in kind.resumed] if kind else []

    def _draw_epoch(self) -> Epoch:
        train, recipe = self.splits.train, self.recipe
        is_balanced = recipe.sampling == "balanced"
        return draw_epoch(train, self.augment, recipe.batch_size, recipe.seed, self.epoch, self._fewest, is_balanced)

    def _train_step(self, draws: Draws) -> None:
        weight = self.penalty_schedule.weight(self.epoch + self.step / self.steps)
        if weight != self._weight:
            self._coefficient.fill_(weight)
            self._weight = weight
        self.scheduler.before_step(self.epoch, self.step)
        if self._average is not None:
            self._average.before_step(self.epoch * self.steps + self.step)
        part, share = self.group.part(draws)
        if self._supply is not None:
            part = self._supply(part)
        if self.group.size == 1:
            self._take_step(part, self._coefficient)
        else:
            self._step(part, self._coefficient, share, len(draws.order) // self.group.size)

    def _fresh_step(self) -> Step:
        """The step, to be recorded anew where that is done: a recording keeps to the tensors that it was made with."""
        return CapturedStep(self._whole_step, self.device, self._warn) if self._captures else self._whole_step

    def _penalty(self) -> Penalty | None:
        """What λ multiplies; None if it is always 0."""
        gates, settings = self.network.gates, self.network.architecture.gates
        if not gates or not settings or not self.penalty_schedule.coefficient:
            return None
        if self.constraint is not None:
            return self.constraint
        each, directions = PENALTIES[settings.penalised], self._directions
        # Costs take a trial cut of every connection, so they are only found for the penalty that reads them.
        is_cost = settings.penalised == "cost"
        costs = (relative_costs(self.network.architecture) if is_cost else torch.ones(())).to(self.device)
        return lambda coefficient: coefficient * (directions * each(gates, costs)).sum()

    def _surrogate(self) -> Surrogate | None:
        """How gates learn that were drawn without a gradient; None if none are."""
        gates = self.network.gates
        if gates is None or not gates.kind.has_surrogate:
            return None
        return lambda loss: gates.kind.surrogate(gates.weight, gates.temperature, loss)

    def _begin_epoch(self, number: int) -> None:
        self.epoch, self.step, self._seconds = number, 0, 0.0
        self._step.reset()

    def _set_random_state(self) -> None:
        """Dropout draws from torch's own generator: seeded anew at each epoch, or as it was when the epoch stopped."""
        own = [self.group.rank] if self.group.rank else []
        torch.manual_seed(stream_seed(self.recipe.seed, "dropout", self.epoch, *own))
        if self._random_state is not None:
            self._generator.set_state(self._random_state)
            self._random_state = None

    @property
    def _generator(self) -> torch.Generator:
        match self.device.type:
            case "cuda":
                return random_numbers(self.device)
            case "mps":
                return torch.mps._get_default_mps_generator()
            case _:
                return torch.default_generator
