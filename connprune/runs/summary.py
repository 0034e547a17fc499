"""What `summary.json` says of a run: what it is, how far it is, and what came out."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal, get_args

from connprune.documents.base import require_version
from connprune.errors import ConnpruneError, InterruptedRunError, LostDirectoryError, UsageError
from connprune.files import read_sealed_json, sealed, write_json
from connprune.runs.clock import now
from connprune.runs.layout import Layout
from connprune.runs.links import followed, stored

TrainingKind = Literal["train", "retrain", "evolution"]
ExperimentKind = Literal["comparison", "sweep"]
Kind = Literal[TrainingKind, "cut", ExperimentKind]
TRAININGS: tuple[TrainingKind, ...] = get_args(TrainingKind)
# The kinds of runs that hold trainings and have no network of their own.
EXPERIMENTS: tuple[ExperimentKind, ...] = get_args(ExperimentKind)
Status = Literal["planned", "running", "interrupted", "failed", "finished"]

# What a summary says of a run before its results, and keeps when the run goes on.
_LASTING = ("schema", "kind", "created", "cut", "cut_digest", "evolution", "digests", "launch", "data_digest", "origin")

# The entries that name other runs.
_LINKS = ("cut", "parent")

# The numbers that later commands take from the results of an epoch, and from a finished training.
_RESULT = ("epoch", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy")
_FINISHED = ("epochs", "connections", "gated_connections", "layers", "parameters", "macs", "training_seconds")

# The command that goes on with a run of each kind.
_COMMANDS: dict[str, str] = {"train": "train", "cut": "prune", "sweep": "sweep"}


class Summarised(Layout):
    """A directory with a summary."""

    @property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds: kind, status, and once finished the results.

        Raises:
            UsageError: the file is damaged, or another version wrote it.
        """
        found = read_sealed_json(self.summary_file)
        require_version(found, str(self.summary_file))
        if found.get("status") == "finished" and found.get("kind") in TRAININGS:
            require_numbers(found, _FINISHED, str(self.summary_file))
            for part in ("final", "best"):
                require_numbers(found.get(part), _RESULT, f"{self.summary_file}, {part}")
        return followed(found, self.path, *_LINKS)

    def summarise(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Writes changed entries of the summary, and returns all of it."""
        before = self.summary if self.summary_file.exists() else {}
        after = {**before, **changes, "updated": now()}
        self._write_summary(after)
        return after

    def _write_summary(self, found: Mapping[str, Any]) -> None:
        write_json(self.summary_file, sealed(stored(found, self.path, *_LINKS)))

    def begin(self, changes: Mapping[str, Any]) -> None:
        """Marks the run as under way; the results of a finished run that goes on are dropped first."""
        begun = {key: value for key, value in self.summary.items() if key in _LASTING}
        begun.get("digests", {}).pop(self.metrics.name, None)
        begun |= {**changes, "status": "running", "updated": now()}
        self._write_summary(begun)
        self.final.unlink(missing_ok=True)

    @contextmanager
    def status_on_error(self, require_own: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Notes in the summary that what runs in here was interrupted, or failed.

        What had finished before, and was not begun again, keeps its results and says so.

        Args:
            require_own: raises if the directory is no longer the one that was worked in; a lock sees to that itself.
        """
        try:
            yield
        except BaseException as error:
            # What was to be said of the error must not be lost to a disk that is full or gone.
            with suppress(OSError, ConnpruneError):
                require_own()
                if self.summary.get("status") != "finished":
                    stopped = isinstance(error, InterruptedRunError | KeyboardInterrupt)
                    self.summarise({"status": "interrupted" if stopped else "failed"})
            raise

    def require_as_left(self, summary: Mapping[str, Any]) -> None:
        """Is asked before results are added to a run that was unlocked for a moment.

        Raises:
            LostDirectoryError: its summary is another one than this process left.
        """
        if not self.summary_file.is_file() or self.summary.get("updated") != summary["updated"]:
            raise LostDirectoryError(
                f"{self.path}: this directory was removed or taken by another process; nothing more was written there."
            )

    @property
    def is_finished(self) -> bool:
        """Whether it has all its results."""
        return self.summary.get("status") == "finished"

    @property
    def kind(self) -> str:
        """What made it."""
        return str(self.summary.get("kind"))

    @property
    def resume_command(self) -> str:
        """What a user types to go on with this run."""
        return f"connprune {_COMMANDS.get(self.kind, 'retrain')} --resume --run {shlex.quote(str(self.path))}"

    def require_finished(self) -> None:
        """Refuses a run that has no results yet.

        Raises:
            UsageError: it has not ended; the message says how to go on with it.
        """
        status = self.summary.get("status")
        if status != "finished":
            raise UsageError(
                f"{self.path}: this run has not ended (its status is {status!r}); finish it with "
                f"`{self.resume_command}`."
            )


def require_numbers(found: Any, keys: Sequence[str], name: str) -> None:
    """Refuses what lacks a number that later commands take.

    Raises:
        UsageError: one is missing, or is no number.
    """
    values = found if isinstance(found, dict) else {}
    lacking = next((key for key in keys if type(values.get(key)) not in (int, float)), None)
    if lacking is not None:
        raise UsageError(f"{name}: this file is damaged: expected a number under {lacking!r}.")
