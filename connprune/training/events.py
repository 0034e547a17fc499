"""What is told of a training besides what is recorded: TensorBoard events, which nothing here reads, and callbacks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from connprune.architecture.architecture import Architecture
from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Trained
from connprune.errors import UsageError
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import FloatArray, GateHistory
from connprune.runs.settings import RunSettings
from connprune.training.callbacks import Told, Watched, require_callbacks
from connprune.training.configuration import Configuration

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

# The tag of each number of an epoch.
_TAGS = {
    "train_loss": "loss/train",
    "validation_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "validation_accuracy": "accuracy/validation",
    "rate": "learning_rate/weights",
    "gate_rate": "learning_rate/gates",
    "penalty": "penalty/coefficient",
    "gates_closed": "penalty/gates_closed",
}


class Events(Protocol):
    """Is told of each epoch."""

    def begin(self, done: int, gates: FloatArray) -> None:
        """The training starts, or goes back, where so many epochs are done; `gates` are those then, (gates,)."""

    def add(self, epoch: EpochMetrics, gates: FloatArray) -> None:
        """An epoch is done; `gates` are those after it, (gates,)."""


class TensorBoardEvents:
    """Event files in a folder, a new one each time that the training starts.

    Args:
        folder: where.
        architecture: names the gates.
    """

    def __init__(self, folder: Path, architecture: Architecture) -> None:
        self.folder = folder
        self.architecture = architecture
        self._writer: SummaryWriter | None = None

    def begin(self, done: int, gates: FloatArray) -> None:
        """Later epochs of earlier files no longer count: readers drop them at the mark that is written here."""
        from torch.utils.tensorboard import SummaryWriter

        self.close()
        # The gates at the start are step 0.
        self._writer = SummaryWriter(str(self.folder), purge_step=done + 1 if done else 0)
        if not done:
            self._add_gates(self._writer, gates, 0)
        self._writer.flush()

    def add(self, epoch: EpochMetrics, gates: FloatArray) -> None:
        """Writes all numbers of an epoch; they are on the disk when this returns."""
        if self._writer is None:
            raise RuntimeError("begin comes before add")
        for key, value in epoch.plain().items():
            if key in _TAGS:
                self._writer.add_scalar(_TAGS[key], value, epoch.epoch)
        self._add_gates(self._writer, gates, epoch.epoch)
        self._writer.flush()

    def close(self) -> None:
        """Closes the file under way."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _add_gates(self, writer: "SummaryWriter", gates: FloatArray, epoch: int) -> None:
        if not len(gates):
            return
        writer.add_histogram("gates", gates, epoch)
        for connection, gate in GateHistory.of(self.architecture, np.asarray(gates)[None]).final().items():
            writer.add_scalar(f"gate/{connection.source}-to-{connection.target}", gate, epoch)


def require_tensorboard(wanted: bool) -> None:
    """Refuses a wish for events where nothing can write them.

    Raises:
        UsageError: the package is missing; the message says how to install it.
    """
    if wanted and find_spec("tensorboard") is None:
        raise UsageError(
            "run.tensorboard: found true, but the package tensorboard is not installed; install it with "
            "`pip install 'connprune[tensorboard]'`."
        )


def require_available(settings: RunSettings) -> None:
    """Refuses what a run is to leave or to tell where nothing can do so.

    Raises:
        UsageError: see `require_tensorboard` and `require_callbacks`.
    """
    require_tensorboard(settings.tensorboard)
    require_callbacks(settings.callbacks)


class AllEvents:
    """Several of them as one, and the callbacks, which know no gates and are told of the end, too.

    Args:
        logs: some.
        begun: makes the callbacks of a training of which so many epochs are done; None is none.
    """

    def __init__(self, logs: Sequence[Events], begun: Callable[[int], Told] | None) -> None:
        self._logs = logs
        self._begun = begun
        self._told: Told | None = None

    def begin(self, done: int, gates: FloatArray) -> None:
        """Tells all; callbacks are made once."""
        for log in self._logs:
            log.begin(done, gates)
        if self._begun and self._told is None:
            self._told = self._begun(done)

    def add(self, epoch: EpochMetrics, gates: FloatArray) -> None:
        """Tells all."""
        for log in self._logs:
            log.add(epoch, gates)
        if self._told:
            self._told.on_epoch(epoch)

    def end(self, summary: Trained) -> None:
        """Tells the callbacks."""
        if self._told:
            self._told.on_end(summary)

    def close(self) -> None:
        """Tells the callbacks that nothing more comes."""
        if self._told:
            self._told.close()


# Of a process that another one speaks for.
NO_EVENTS = AllEvents((), None)


@contextmanager
def events(
    run: RunDirectory, configuration: Configuration, architecture: Architecture, warn: Callable[[str], None]
) -> Iterator[AllEvents]:
    """What is told of a training, closed at its end.

    Args:
        run: its directory.
        configuration: in full.
        architecture: of its network.
        warn: is told of a callback that fails.

    Raises:
        UsageError: see `require_available`.
    """
    settings = configuration.run
    require_available(settings)

    def begun(done: int) -> Told:
        watched = Watched(run.path, run.summary.created or "", configuration.to_data(architecture), done)
        return Told(settings.callbacks, watched, warn)

    with ExitStack() as opened:
        logs: list[Events] = []
        if settings.tensorboard:
            logs.append(opened.enter_context(closing(TensorBoardEvents(run.tensorboard, architecture))))
        yield opened.enter_context(closing(AllEvents(logs, begun if settings.callbacks else None)))
