"""A directory with a summary: what it is, how far it is, and what came out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from connprune.documents.run import TRAININGS, Kind, Status, Summary, Trained
from connprune.errors import (
    ConnpruneError,
    InterruptedRunError,
    LostDirectoryError,
    Resumable,
    UnfinishedRunError,
    UsageError,
)
from connprune.files import read_sealed_json
from connprune.mistakes import Mark, Mistake
from connprune.runs.clock import now
from connprune.runs.layout import Layout
from connprune.runs.links import followed, write_document

# What a summary says of a run before its results, and keeps when the run goes on.
_LASTING = {
    *("kind", "created", "origin", "parent", "ancestry", "cut", "cut_digest", "start"),
    *("evolution", "digests", "launch", "data_digest"),
}


class Summarised(Layout):
    """A directory with a summary."""

    @property
    def summary(self) -> Summary:
        """What `summary.json` holds; of a finished training all its results.

        Raises:
            UsageError: the file is damaged, or another version wrote it.
        """
        data = followed(read_sealed_json(self.summary_file), self.path, *Summary.paths)
        is_trained = data.get("status") == "finished" and data.get("kind") in TRAININGS
        return (Trained if is_trained else Summary).read(data, str(self.summary_file))

    def trained(self) -> Trained:
        """What `summary.json` holds of a finished training.

        Raises:
            UsageError: it has not ended, is none, or the file is damaged.
        """
        summary = self.summary
        if not isinstance(summary, Trained):
            self.require_finished()
            raise UsageError(f"{self.path}: expected a training, found a {summary.kind}.")
        return summary

    def summarise(self, **changes: object) -> Summary:
        """Writes changed entries of the summary, and returns all of it."""
        before = self.summary.model_dump() if self.summary_file.exists() else {}
        after = Summary.model_validate({**before, **changes, "updated": now()})
        write_document(self.summary_file, after)
        return after

    def begin(self, **changes: object) -> None:
        """Marks the run as under way; the results of a finished run that goes on are dropped first."""
        lasting = self.summary.model_dump(include=_LASTING)
        lasting.get("digests", {}).pop(self.metrics.name, None)
        begun = Summary.model_validate({**lasting, **changes, "status": "running", "updated": now()})
        write_document(self.summary_file, begun)
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
                if not self.is_finished:
                    # A training that took turns with others is closed when one of them ends the process.
                    stopped = isinstance(error, InterruptedRunError | KeyboardInterrupt | GeneratorExit)
                    self.summarise(status="interrupted" if stopped else "failed")
            raise

    def require_as_left(self, summary: Summary) -> None:
        """Is asked before results are added to a run that was unlocked for a moment.

        Raises:
            LostDirectoryError: its summary is another one than this process left.
        """
        if not self.summary_file.is_file() or self.summary.updated != summary.updated:
            raise LostDirectoryError(
                f"{self.path}: this directory was removed or taken by another process; nothing more was written there."
            )

    @property
    def is_finished(self) -> bool:
        """Whether it has all its results."""
        return self.summary.status == "finished"

    @property
    def kind(self) -> Kind:
        """What made it."""
        return self.summary.kind

    @property
    def status(self) -> Status:
        """How far it is."""
        return self.summary.status

    @property
    def resumable(self) -> Resumable:
        """This run, as errors name what can be resumed."""
        return Resumable(self.kind, self.path)

    def require_finished(self) -> None:
        """Refuses a run that has no results yet.

        Raises:
            UnfinishedRunError: it has not ended.
        """
        status = self.status
        if status != "finished":
            problem = f"this run has not ended (its status is {status!r})."
            raise UnfinishedRunError(Mistake(problem, mark=Mark(str(self.path))), self.resumable)
