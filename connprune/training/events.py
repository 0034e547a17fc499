"""A training as TensorBoard events: an append-only log beside what is recorded, which nothing here reads again."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from connprune.architecture.architecture import Architecture
from connprune.documents.epoch import EpochMetrics
from connprune.errors import UsageError
from connprune.runs.gate_history import FloatArray, GateHistory

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


class NoEvents:
    """Keeps nothing."""

    def begin(self, done: int, gates: FloatArray) -> None:
        """Nothing."""

    def add(self, epoch: EpochMetrics, gates: FloatArray) -> None:
        """Nothing."""


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


@contextmanager
def events(folder: Path, architecture: Architecture, wanted: bool) -> Iterator[Events]:
    """What a training's events go to, closed at its end.

    Raises:
        UsageError: see `require_tensorboard`.
    """
    require_tensorboard(wanted)
    if not wanted:
        yield NoEvents()
        return
    log = TensorBoardEvents(folder, architecture)
    try:
        yield log
    finally:
        log.close()
