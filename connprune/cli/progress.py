"""What a training shows: a bar on a terminal, a line an epoch elsewhere."""

import sys
from typing import Any, Self

from connprune.cli.output import Output


class LineProgress:
    """A plain line an epoch."""

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

    def after_epoch(self, metrics: dict[str, Any]) -> None:
        """An epoch is done."""
        self.output.note(epoch_line(metrics, self.epochs))

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

    def after_epoch(self, metrics: dict[str, Any]) -> None:
        """An epoch is done."""
        self.bar.console.print(epoch_line(metrics, self.epochs), highlight=False)
        self.bar.reset(self.task, description=f"epoch {metrics['epoch'] + 1}/{self.epochs}")


def epoch_line(metrics: dict[str, Any], epochs: int) -> str:
    """One epoch in one line."""
    # At most 80 columns, for losses and times as they are.
    gates = f"  {metrics['gates_closed']} closed" if "gates_closed" in metrics else ""
    return (
        f"epoch {metrics['epoch']:>{len(str(epochs))}}/{epochs}"
        f"  loss {metrics['train_loss']:.4f} {metrics['train_accuracy']:.2%}"
        f"  validation {metrics['validation_loss']:.4f} {metrics['validation_accuracy']:.2%}"
        f"{gates}  {metrics['epoch_seconds']:.1f} s"
    )


def watch(output: Output) -> LineProgress:
    """The progress that suits where stderr goes."""
    return BarProgress(output) if sys.stderr.isatty() and not output.quiet else LineProgress(output)
