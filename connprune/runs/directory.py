"""A run directory: what one training, or one cut, made, read and written by what it means."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Kind, Status
from connprune.errors import DamagedFileError, UsageError
from connprune.files import file_digest, parse_object, require_empty, text_digest, write_text
from connprune.limits import JSON_VALUES
from connprune.runs.clock import now
from connprune.runs.lock import locked
from connprune.runs.texts import WithTexts
from connprune.tensor_files import read_arrays, read_header, read_tensors, write_arrays, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from connprune.architecture.architecture import Architecture
    from connprune.runs.gate_history import GateHistory


class RunDirectory(WithTexts):
    """Everything that one training, or one cut, made.

    Args:
        path: the directory.
    """

    @classmethod
    def create(
        cls,
        path: Path,
        kind: Kind,
        config: str,
        architecture: "Architecture",
        status: Status = "running",
        initial: "Mapping[str, Tensor] | None" = None,
        searched: "RunDirectory | None" = None,
        **notes: object,
    ) -> "RunDirectory":
        """Starts a run in a directory that is new or empty.

        Args:
            path: the directory.
            kind: what makes it.
            config: its configuration as YAML.
            architecture: of its network.
            status: how far it is.
            initial: the weights that its training starts from; None is fresh ones.
            searched: the cut that is searched in; None is the first search. What is known of that stays with the run.
            notes: what else its summary says from its first moment on, as where it comes from.

        Raises:
            UsageError: the directory holds something, or is no directory, or another process starts a run there.
        """
        from connprune.architecture.files import to_yaml

        require_empty(path)
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        with run.locked():
            # Once more, now that no other process can be doing the same.
            if run.summary_file.exists():
                raise UsageError(f"{path}: another process has just started a run here.")
            texts = {run.config: config, run.architecture_file: to_yaml(architecture)}
            if searched is not None:
                texts[run.parent] = searched.text(searched.parent)
                if searched.early.is_file():
                    write_tensors(run.early, read_tensors(searched.early)[0])
            for file, text in texts.items():
                write_text(file, text)
            if initial is not None:
                write_tensors(run.initial, initial)
            digests = {file.name: text_digest(text) for file, text in texts.items()}
            run.summarise(kind=kind, status=status, created=now(), digests=digests, **notes)
        return run

    @classmethod
    def open(cls, path: Path) -> "RunDirectory":
        """An existing run.

        Raises:
            UsageError: there is none at this path.
        """
        run = cls(path)
        if path.is_file():
            raise UsageError(f"{path}: expected a run's directory, found a file.")
        if not path.is_dir():
            raise UsageError(f"{path}: there is no such run.")
        if not run.summary_file.is_file():
            raise UsageError(f"{path}: this directory is no run: it has no summary.json.")
        return run

    def rewire(self, architecture: "Architecture") -> None:
        """Writes the architecture of the run's network."""
        from connprune.architecture.files import to_yaml

        self.write(self.architecture_file, to_yaml(architecture))

    def reconfigure(self, config: str) -> None:
        """Writes the configuration."""
        self.write(self.config, config)

    @property
    def has_checkpoint(self) -> bool:
        """Whether a training that was begun here can go on."""
        return self.checkpoint.exists() or self.previous_checkpoint.exists()

    def locked(self) -> AbstractContextManager[str | None]:
        """Keeps other processes from working in this directory, see `connprune.runs.lock.locked`."""
        return locked(self.path)

    def architecture(self) -> "Architecture":
        """The architecture of the run's network."""
        from connprune.architecture.files import from_yaml

        return from_yaml(self.text(self.architecture_file), str(self.architecture_file))

    def write_metrics(self, epochs: Sequence[EpochMetrics]) -> None:
        """Writes a line for each epoch."""
        write_text(self.metrics, metrics_text(epochs))

    def read_metrics(self) -> list[EpochMetrics]:
        """The lines of all epochs so far; none if no epoch has ended yet.

        Raises:
            UsageError: the file is damaged.
        """
        if not self.metrics.exists():
            return []
        text = self.text(self.metrics)
        if text.count("\n") > JSON_VALUES.most or sum(map(text.count, ",[{")) > JSON_VALUES.most:
            raise UsageError(f"{self.metrics}: this file has {JSON_VALUES}.")
        try:
            lines = [parse_object(line) for line in text.splitlines()]
        except ValueError as error:
            raise DamagedFileError(self.metrics, f"in a line, {error}") from None
        return [EpochMetrics.parse(line, str(self.metrics), number) for number, line in enumerate(lines, 1)]

    def write_gates(self, history: "GateHistory") -> None:
        """Writes the gates of all epochs so far."""
        write_arrays(self.gates, *history.to_arrays())

    def read_gates(self) -> "GateHistory":
        """The gates of all epochs so far.

        Raises:
            UsageError: the run has none, or the file is damaged or of another run.
        """
        from connprune.runs.gate_history import GateHistory

        if not self.gates.exists():
            raise UsageError(f"{self.path}: this run has no gates.")
        architecture = self.architecture()
        shape = read_header(self.gates).shapes.get("gates", ())
        history = None
        if shape[1:] == (sum(architecture.gate_counts),):
            history = GateHistory.from_arrays(*read_arrays(self.gates), str(self.gates))
        if history is None or not history.belongs_to(architecture):
            raise UsageError(f"{self.gates}: these gates do not belong to the architecture beside them.")
        return history

    def final_weights(self) -> "dict[str, Tensor]":
        """The weights that the run ended with.

        Raises:
            UsageError: the run has not ended, or the file is damaged.
        """
        self.require_finished()
        return read_tensors(self.final)[0]

    def digest(self) -> str:
        """SHA-256 of the file of the final weights."""
        return file_digest(self.final)


def metrics_text(epochs: Sequence[EpochMetrics]) -> str:
    """A line of JSON for each epoch."""
    return "".join(json.dumps(epoch.plain(), allow_nan=False) + "\n" for epoch in epochs)
