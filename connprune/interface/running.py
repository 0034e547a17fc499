"""How a training in this process is watched and stopped."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import getLogger

from connprune.data.images import Dataset
from connprune.data.progress import StopSignal, stoppable, without_progress
from connprune.data.sources import load
from connprune.documents.epoch import EpochMetrics
from connprune.signals import Stop
from connprune.training.configuration import Configuration

# Is told the results of each epoch.
Progress = Callable[[EpochMetrics], object]

_LOG = getLogger("connprune")


class Watch:
    """Watches a training, and tells of each epoch.

    Args:
        progress: is told; None is nobody.
    """

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress

    def begin(self, epochs: int, steps: int, done: int) -> None: ...

    def after_step(self) -> None: ...

    def after_epoch(self, epoch: EpochMetrics) -> None:
        if self.progress is not None:
            self.progress(epoch)

    def warning(self, text: str) -> None:
        warn(text)


class _Never:
    number: int | None = None


@contextmanager
def stopping() -> Iterator[StopSignal]:
    """Notes signals that ask to stop, where Python lets a thread do so: in the main one."""
    if threading.current_thread() is threading.main_thread():
        with Stop() as stop:
            yield stop
    else:
        yield _Never()


def load_images(configuration: Configuration) -> Dataset:
    """Loads the images of a configuration; what a user may not expect of them is logged."""
    with stopping() as stop:
        dataset = load(configuration.data, stoppable(without_progress, stop))
    for note in dataset.notes:
        _LOG.info(note)
    if dataset.damaged:
        warn(f"left out {len(dataset.damaged)} damaged images, the first is {dataset.damaged[0]}")
    return dataset


def warn(text: str) -> None:
    """Logs a warning under `connprune`, which goes to standard error unless the program says otherwise."""
    _LOG.warning(text)
