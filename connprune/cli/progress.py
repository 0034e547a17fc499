"""What a training shows: a bar on a terminal, a line per epoch elsewhere."""

import sys
from typing import TYPE_CHECKING, Self

from connprune.cli.output import Output

if TYPE_CHECKING:
    from connprune.documents.epoch import EpochMetrics


class LineProgress:
    """A plain line per epoch."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.epochs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is left on the screen to clean up."""

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """The training starts."""
        self.epochs = epochs
        if done:
            self.output.note(f"going on after epoch {done}")

    def after_step(self) -> None:
        """A step is done."""

    def after_epoch(self, epoch: "EpochMetrics") -> None:
        """An epoch is done."""
        self.output.note(epoch_line(epoch, self.epochs))

    def warning(self, text: str) -> None:
        """Something does not go as it should."""
        self.output.warning(text)


class BarProgress(LineProgress):
    """A bar for the epoch under way, below a line for each epoch that is done."""

    def __init__(self, output: Output) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__(output)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()

    def begin(self, epochs: int, steps: int, done: int) -> None:
        """The training starts."""
        super().begin(epochs, steps, done)
        self.task = self.bar.add_task(f"epoch {done + 1}/{epochs}", total=steps)

    def after_step(self) -> None:
        """A step is done."""
        self.bar.advance(self.task)

    def after_epoch(self, epoch: "EpochMetrics") -> None:
        """An epoch is done."""
        self.bar.console.print(epoch_line(epoch, self.epochs), highlight=False)
        self.bar.reset(self.task, description=f"epoch {epoch.epoch + 1}/{self.epochs}")


def epoch_line(epoch: "EpochMetrics", epochs: int) -> str:
    """One epoch in one line."""
    # At most 80 columns, for losses and times as they are.
    gates = "" if epoch.gates_closed is None else f"  {epoch.gates_closed} closed"
    return (
        f"epoch {epoch.epoch:>{len(str(epochs))}}/{epochs}"
        f"  loss {epoch.train_loss:.4f} {epoch.train_accuracy:.2%}"
        f"  validation {epoch.validation_loss:.4f} {epoch.validation_accuracy:.2%}"
        f"{gates}  {epoch.epoch_seconds:.1f} s"
    )


def watch(output: Output) -> LineProgress:
    """The progress that suits where stderr goes."""
    return BarProgress(output) if sys.stderr.isatty() and not output.quiet else LineProgress(output)
