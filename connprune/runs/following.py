"""A run seen from outside while a process trains it. Its files are replaced whole, so none is read half-written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import TRAININGS, Summary
from connprune.errors import UsageError
from connprune.processes import Process
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory
from connprune.runs.lock import lock_owner

# A run that nobody works in for so many waits in a row has ended: between two commands nobody does for a moment.
PATIENCE = 10


class NoTrainingError(UsageError):
    """A run is of a kind that does not train."""


@dataclass(frozen=True)
class Moment:
    """A run at one moment.

    Attributes:
        run: its directory.
        summary: None if it has not begun.
        held_by: the process that works in it.
        metrics: the lines of all epochs so far.
        gates: their gates, if it has any.
        has_ended: whether this is the last moment.
    """

    run: RunDirectory
    summary: Summary | None
    held_by: Process | None
    metrics: Sequence[EpochMetrics]
    gates: GateHistory | None
    has_ended: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether it has all its results."""
        return self.summary is not None and self.summary.status == "finished"

    @property
    def has_begun(self) -> bool:
        """Whether a training has started; it makes its directory, and may load images, before it does."""
        if self.summary is None:
            return False
        return self.summary.epochs is not None or self.summary.status in ("interrupted", "failed", "finished")

    @property
    def epochs(self) -> int | None:
        """How many it trains in all; None before it begins."""
        return self.summary.epochs if self.summary else None

    @property
    def state(self) -> str:
        """Where it stands, in words."""
        if self.is_finished:
            return "done"
        if self.held_by:
            return f"running ({self.held_by})"
        if self.summary is None or not self.has_begun:
            return "waiting for it to begin"
        stated = self.summary.status
        return f"{'interrupted' if stated == 'running' else stated}, nobody works in it any more"

    @property
    def seconds_left(self) -> float | None:
        """How long the epochs that are left will take, if they take what the last ones took; None if none is done."""
        if self.epochs is None or not self.metrics:
            return None
        last = [epoch.epoch_seconds for epoch in self.metrics[-5:]]
        return max(0, self.epochs - len(self.metrics)) * sum(last) / len(last)


def follow(path: Path, wait: Callable[[], None]) -> Iterator[Moment]:
    """The moments of a run at which something is new, up to its end.

    It may not have begun yet: then it is waited for, however long. One that nobody works in any more has ended after
    `PATIENCE` waits, in which it may be taken up again.

    Args:
        path: where it is, or will be.
        wait: passes time between two looks.

    Raises:
        UsageError: it is no training, or its files are damaged.
    """
    run = RunDirectory(path)
    seen: Any = None
    moment = Moment(run, None, None, [], None)
    unheld = failures = 0
    while True:
        marks, held_by = _marks(run), lock_owner(path)
        if (marks, held_by) != seen:
            try:
                moment = _look(run, held_by)
                seen, failures = (marks, held_by), 0
            except NoTrainingError:
                raise
            except UsageError:
                # Between two files of one epoch they may not agree yet; what stays so is damaged.
                failures += 1
                if failures == PATIENCE:
                    raise
            else:
                yield moment
                unheld = 0
        if moment.is_finished:
            yield _last(moment)
            return
        unheld = unheld + 1 if moment.has_begun and held_by is None else 0
        if unheld > PATIENCE:
            yield _last(moment)
            return
        wait()


def _last(moment: Moment) -> Moment:
    return replace(moment, has_ended=True)


def _marks(run: RunDirectory) -> list[tuple[int, int] | None]:
    """What tells one version of a file from the next."""
    return [_mark(path) for path in (run.path / "summary.json", run.metrics, run.gates)]


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _look(run: RunDirectory, held_by: Process | None) -> Moment:
    if not (run.path / "summary.json").is_file():
        return Moment(run, None, None, [], None)
    summary = run.summary
    if summary.kind not in TRAININGS:
        raise NoTrainingError(f"{run.path}: expected a training to watch, found a {summary.kind}.")
    gates = run.read_gates() if run.gates.exists() else None
    return Moment(run, summary, held_by, run.read_metrics(), gates)
