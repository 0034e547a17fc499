"""`connprune inspect --watch`: a training as it goes, on a terminal a picture, elsewhere a line per epoch."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli.output import Output
from connprune.cli.progress import epoch_line
from connprune.cli.resuming import resume_command
from connprune.errors import ConnpruneError, InterruptedRunError

if TYPE_CHECKING:
    from connprune.runs.following import Moment


def watch_run(path: Path, output: Output, wait: Callable[[], None]) -> None:
    """Shows a run until it ends.

    Args:
        path: where it is, or will be.
        output: where lines go.
        wait: passes time between two looks.

    Raises:
        ConnpruneError: it was interrupted, failed or was killed, and nobody goes on with it.
        UsageError: it is no training, or its files are damaged.
    """
    try:
        last = _draw(path, wait) if sys.stdout.isatty() else _write(path, output, wait)
    except InterruptedRunError as interruption:
        raise InterruptedRunError("No longer watched; the run goes on.", interruption.signal_number) from None
    if not last.is_finished:
        done = "" if last.epochs is None else f"; {len(last.metrics)} of {last.epochs} epochs are done"
        raise ConnpruneError(f"{path}: {last.state}{done}. Go on with `{resume_command(last.run.resumable)}`.")


def _draw(path: Path, wait: Callable[[], None]) -> "Moment":
    """One picture in place, which is left there when the run has ended; what a signal ends leaves the cursor on."""
    from rich.console import Console
    from rich.live import Live

    from connprune.report.watching import picture
    from connprune.runs.following import follow

    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False) as live:
        for moment in follow(path, wait):
            live.update(picture(moment, console.width, console.height), refresh=True)
    return moment


def _write(path: Path, output: Output, wait: Callable[[], None]) -> "Moment":
    """A line for each change of state, and for each epoch."""
    from connprune.runs.following import follow

    state, epochs = "", 0
    for moment in follow(path, wait):
        if moment.state != state:
            state = moment.state
            output.note(f"{path}: {state}")
        if len(moment.metrics) < epochs:
            output.note(f"gone back to epoch {len(moment.metrics)}")
        for epoch in moment.metrics[epochs:]:
            output.result(epoch_line(epoch, moment.epochs or len(moment.metrics)))
        epochs = len(moment.metrics)
    return moment
