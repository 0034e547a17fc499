"""One training in one run directory, from the first epoch or from a checkpoint to the results."""

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import torch

from connprune.architecture.architecture import Architecture
from connprune.architecture.gates import FromRun
from connprune.background import Background
from connprune.data.images import Dataset, normalisation
from connprune.data.progress import StopSignal
from connprune.data.random import stream_seed
from connprune.data.splits import Splits, split
from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Trained
from connprune.errors import DivergedError, InterruptedRunError, UsageError
from connprune.network.network import Network, build
from connprune.runs import environment
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_header, read_tensors
from connprune.training.batch_sizes import require_enough
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.device import device_name
from connprune.training.events import NO_EVENTS, events
from connprune.training.group import Group, SingleProcess
from connprune.training.images import require_same_images
from connprune.training.lost_device import explained_loss
from connprune.training.memory_error import explained_memory
from connprune.training.placing import placed
from connprune.training.precision import precision_on
from connprune.training.record import Record, counted
from connprune.training.trainer import Trainer
from connprune.training.turns import Turns, finished

if TYPE_CHECKING:
    from connprune.architecture.gates import Gates
    from connprune.network.gates import GateVector

# What a process asks the others for: a checkpoint, or to stop because of a signal, whose number is added.
_DUE = 1


class Watcher(Protocol):
    """Sees a training go by."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """The training starts: this many epochs in all, steps an epoch, and epochs already done."""

    def after_step(self) -> None:
        """A step is done."""

    def after_epoch(self, epoch: EpochMetrics) -> None:
        """An epoch is done."""

    def warning(self, text: str) -> None:
        """Something does not go as it should, but the training goes on; a sentence."""


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
    group: Group | None = None,
) -> Trained:
    """Trains the run's architecture until all epochs are done; goes on from a checkpoint if the run has one.

    Args:
        run: the directory.
        configuration: the recipe.
        splits: the images.
        device: where to train.
        watcher: sees the training go by.
        stop: asks to stop.
        group: the processes that train this run together, each of which calls this; None is this one alone.

    Returns:
        The summary, also written to `summary.json`.

    Raises:
        InterruptedRunError: a signal came; the checkpoint was saved first.
        DivergedError: the loss was no finite number, and going back did not help or was not wanted.
        NoMemoryError: the memory is too small.
        LostDeviceError: the GPU failed, and this process can compute nothing on it any more.
        DiskFullError: the disk is full; the last checkpoint stays.
        UsageError: another process trains in this run, the images are others than those it began with, or the
            checkpoint is damaged or belongs to something else.
    """
    group = group or SingleProcess()
    with run.locked() if group.rank == 0 else nullcontext() as caution:
        if caution:
            watcher.warning(caution)
        return finished(train_in_turns(run, configuration, splits, device, watcher, stop, group))


def train_in_turns(
    run: RunDirectory,
    configuration: Configuration,
    splits: Splits,
    device: torch.device,
    watcher: Watcher,
    stop: StopSignal,
    group: Group | None = None,
) -> Turns[Trained]:
    """What `train_run` does, in a run that the caller has locked; leaves off after each step."""
    group, began = group or SingleProcess(), time.monotonic()
    require_same_images(run, configuration, run.summary.data_digest, splits.digest)
    precision = precision_on(device, configuration.training.precision)
    configuration = configuration.with_found(splits.range, splits.divide).with_precision(precision)
    if run.is_finished and run.final.exists() and run.best.exists() and _is_as_recorded(run, configuration):
        # What is done is not begun again: a kill meanwhile would leave a run that has not ended.
        return run.trained()
    recipe, images = configuration.training, splits.nbytes
    with (
        run.status_on_error() if group.rank == 0 else nullcontext(),
        explained_loss(device),
        explained_memory(architecture := run.architecture(), recipe, images),
    ):
        torch.manual_seed(stream_seed(recipe.seed, "weights"))
        network = build(architecture)
        mean, divisor = normalisation(splits.train, configuration.data.normalise)
        network.normalise(mean, divisor)
        gates = network.architecture.gates
        if run.initial.exists() or (run.summary.start and not run.has_checkpoint):
            load_weights(network, run.initial)
        elif network.gates and gates and isinstance(gates.initialisation, FromRun) and not run.has_checkpoint:
            # A checkpoint has every gate; the other run need not be there any more.
            take_over_gates(network, RunDirectory.open(Path(gates.initialisation.run)))
        apart = group.size if device.type == "cpu" else 1
        require_enough(network.architecture, recipe.batch_size, len(splits.train), apart)
        on_device = placed(splits, device, recipe.images, watcher.warning)
        trainer = Trainer(network.to(device), on_device, configuration.data.augment, recipe, watcher.warning, group)
        first = group.rank == 0
        telling = events(run, configuration, network.architecture, watcher.warning) if first else nullcontext(NO_EVENTS)
        with telling as log:
            with Background() as background:
                record = Record(run, trainer, watcher.warning, log, background, began)
                record.restore_if_any()
                begun = {
                    "epochs": recipe.epochs,
                    "data_digest": splits.digest,
                    "classes": splits.classes,
                    # The name alone: summaries are shown to others.
                    "data": Path(configuration.data.source).name,
                    "values": None if splits.train.images.dtype == torch.uint8 else "float32",
                    "seed": recipe.seed,
                    **counted(network.architecture),
                }
                if first:
                    if read_configuration(run) != configuration:
                        run.reconfigure(configuration.to_yaml(network.architecture))
                    run.begin(**begun)
                    ran_in = environment.environment(
                        device_name(device), precision, group.size, torch.get_num_threads()
                    )
                    if other := environment.record(run.environment, ran_in):
                        watcher.warning(other)
                watcher.begin(recipe.epochs, trainer.steps, trainer.epoch)
                while not record.is_complete:
                    yield from _train_epoch(trainer, record, watcher, stop)
                asked = _asked(trainer.group, stop, record)
                if asked > _DUE:
                    raise _interrupted(trainer, record, asked - _DUE)
                if trainer.epoch < recipe.epochs:
                    watcher.warning(
                        f"training.early_stopping: no lower validation loss for {recipe.early_stopping} epochs, so the "
                        f"training ends after {trainer.epoch} of {recipe.epochs} epochs"
                    )
                results = record.finish(on_device) | {"epochs": trainer.epoch}
            if not first:
                return Trained.model_validate({"kind": run.kind, "status": "finished", **begun, **results})
            run.summarise(status="finished", **results)
            log.end(trained := run.trained())
            return trained


def _is_as_recorded(run: RunDirectory, configuration: Configuration) -> bool:
    """Whether a run was made so; what its version had no key for was as the key's default."""
    architecture = run.architecture()
    return configuration.to_yaml(architecture) == read_configuration(run).to_yaml(architecture)


def _train_epoch(trainer: Trainer, record: Record, watcher: Watcher, stop: StopSignal) -> Turns[None]:
    """Trains until the epoch is done, or until the next checkpoint is due."""
    try:
        epoch = yield from trainer.epoch_in_turns(
            lambda: trainer.group.largest_soon(_due(stop, record)) > 0, watcher.after_step
        )
        if epoch is not None:
            record.add(epoch)
            watcher.after_epoch(epoch)
            return
        trainer.require_sound()
    except DivergedError as error:
        if not record.roll_back(error):
            raise DivergedError(f"{error} {record.checkpoints.where()}") from error
        return
    asked = _asked(trainer.group, stop, record)
    if asked > _DUE:
        raise _interrupted(trainer, record, asked - _DUE)
    record.save()


def _interrupted(trainer: Trainer, record: Record, number: int) -> InterruptedRunError:
    """Saves a checkpoint, and gives what to raise."""
    record.save()
    record.wait()
    where = f"in epoch {trainer.epoch + 1} after step {trainer.step}"
    return InterruptedRunError(
        f"Interrupted {where if trainer.epoch < trainer.recipe.epochs else 'after the last epoch'}; "
        "the checkpoint is saved.",
        number,
        record.run.resumable,
    )


def _asked(group: Group, stop: StopSignal, record: Record) -> int:
    """What any of the processes has been asked for: `_DUE` and the number of a signal to stop, `_DUE`, or 0."""
    return group.largest(_due(stop, record))


def _due(stop: StopSignal, record: Record) -> int:
    """What this process has been asked for, see `_asked`."""
    return _DUE + stop.number if stop.number else _DUE if record.is_due else 0


def take_over_gates(network: Network, other: RunDirectory) -> None:
    """Starts a network's gates where another run's ended.

    Raises:
        UsageError: the other run has not ended, lacks one of the gates, or makes gates of w in another way.
    """
    weights = other.final_weights()
    theirs, ours = other.architecture(), network.architecture
    if "gates.weight" not in weights:
        raise UsageError(f"gates.initialisation.run: {other.path} has no gates.")
    function, wanted = cast("Gates", theirs.gates).kind_class.function, cast("Gates", ours.gates)
    if function != wanted.kind_class.function:
        raise UsageError(
            f"gates.initialisation.run: found {function} gates in {other.path}, expected gates that are made of w as "
            f"{wanted.kind} gates are, by a {wanted.kind_class.function} function."
        )
    if weights["gates.weight"].shape != (sum(theirs.gate_counts),):
        raise UsageError(f"{other.final}: these weights do not belong to the architecture that comes with them.")
    found = dict(
        zip(map(str, theirs.gated_connections), weights["gates.weight"].split(theirs.gate_counts), strict=True)
    )
    parts = []
    for connection, count in zip(ours.gated_connections, ours.gate_counts, strict=True):
        part = found.get(str(connection))
        if part is None or len(part) != count:
            have = "none" if part is None else len(part)
            raise UsageError(f"gates.initialisation.run: {connection} has {count} gates, but in {other.path} {have}.")
        parts.append(part)
    gates = cast("GateVector", network.gates)
    scale = _scale(ours, gates.temperature) / _scale(theirs, weights["gates.temperature"])
    with torch.no_grad():
        gates.weight.copy_(torch.cat(parts) * scale)


def _scale(architecture: Architecture, temperature: torch.Tensor) -> torch.Tensor:
    """What w is divided by before it becomes a gate, ()."""
    return temperature if cast("Gates", architecture.gates).kind_class.has_temperature else torch.ones_like(temperature)


def load_network(run: RunDirectory) -> Network:
    """The network of a finished run or of a cut, with its final weights, ready for evaluation.

    Raises:
        UsageError: the run has not ended, or its files do not belong together.
    """
    network = build(run.architecture())
    run.require_finished()
    load_weights(network, run.final)
    return network.eval()


def load_weights(network: Network, path: Path) -> None:
    """Gives a network the weights in a file, which is read only if it claims to hold what the network needs.

    Raises:
        UsageError: the file is damaged, or the weights are another network's.
    """
    needed = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    shapes = read_header(path).shapes
    if shapes.get("divisor") in network.divisor_shapes:
        needed["divisor"] = shapes["divisor"]
    if shapes != needed:
        raise UsageError(f"{path}: these weights do not belong to the architecture that comes with them.")
    network.load_state_dict(read_tensors(path)[0])
