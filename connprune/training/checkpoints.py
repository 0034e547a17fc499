"""The checkpoints of a training: when one is due, how it is written beside the training, which one is whole."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from connprune.background import Background
from connprune.errors import UsageError
from connprune.runs.layout import Layout
from connprune.tensor_files import read_tensors, write_tensors
from connprune.training.recipe import Recipe

State = tuple[dict[str, Tensor], dict[str, str]]


class Checkpoints:
    """Writes a training's checkpoints, and reads the newest one that is whole.

    Args:
        run: where they are.
        recipe: says when one is due.
        background: writes them.
        warn: is told in a sentence when an earlier one must serve.
    """

    def __init__(self, run: Layout, recipe: Recipe, background: Background, warn: Callable[[str], None]) -> None:
        self._run = run
        self._recipe = recipe
        self._background = background
        self._warn = warn
        self._seconds = 60 * recipe.checkpoint_minutes
        self._begun_at = time.monotonic()
        # Epochs and steps of the last one that was begun, and of the last one that is on the disk.
        self.begun: tuple[int, int] | None = None
        self._written: tuple[int, int] | None = None

    @property
    def age(self) -> float:
        """Seconds since the last one was begun."""
        return time.monotonic() - self._begun_at

    def is_due_within(self, progress: tuple[int, int]) -> bool:
        """Whether one is due within an epoch, after so many epochs and steps: the last one is too old."""
        return self.age > self._seconds and self.begun != progress

    def is_due_after(self, epoch_seconds: float) -> bool:
        """Whether one is due after an epoch: after the next one, which takes as long, the last would be too old."""
        return self.age + epoch_seconds > self._seconds

    def begin(self, progress: tuple[int, int], held: State | None, before: Sequence[Callable[[], None]] = ()) -> None:
        """Begins to write one, once nothing else is being written; the one before it stays beside it.

        Args:
            progress: epochs and steps that are done.
            held: copies on the CPU that nothing changes; None where another process writes.
            before: write what belongs to it; it comes last, so that all it relies on is there.

        Raises:
            DiskFullError: what was being written could not be; the last one is still there.
        """
        self._begun_at, self.begun = time.monotonic(), progress
        if held is None:
            self._written = progress
            return

        def write() -> None:
            for each in before:
                each()
            self._run.checkpoint.parent.mkdir(exist_ok=True)
            write_tensors(self._run.checkpoint, *held, self._run.previous_checkpoint)
            self._written = progress

        self._background.begin(write)

    def resumed(self, progress: tuple[int, int]) -> None:
        """The training goes on from one of these epochs and steps."""
        self._begun_at, self.begun, self._written = time.monotonic(), progress, progress

    def where(self) -> str:
        """Where the training could go on from, as a sentence; waits for what is being written."""
        # A disk that is full is not what the training ends with here.
        with suppress(Exception):
            self._background.wait()
        if self._written is None:
            return "There is no checkpoint yet."
        epochs, steps = self._written
        within = f" and {steps} steps" if steps else ""
        return f"The last good checkpoint is after {epochs} epochs{within}."

    def newest(self) -> tuple[Path, dict[str, Tensor], dict[str, str]] | None:
        """The newest one that is whole, and its path; None if there is none.

        Raises:
            UsageError: none of those that are there is whole.
        """
        there = [path for path in (self._run.checkpoint, self._run.previous_checkpoint) if path.exists()]
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


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the devices where they are."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def held_on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
