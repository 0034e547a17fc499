"""A run directory: the one place that knows which file is called what."""

import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import SCHEMA
from connprune.architecture.files import from_yaml, to_yaml
from connprune.errors import ConnpruneError, InterruptedRunError, RunLockedError, UsageError
from connprune.files import (
    LOCK,
    file_digest,
    parse_object,
    read_json,
    read_sealed_json,
    read_text,
    require_empty,
    sealed,
    text_digest,
    write_json,
    write_text,
)
from connprune.tensor_files import read_arrays, read_tensors, write_arrays

if TYPE_CHECKING:
    from torch import Tensor

    from connprune.runs.gate_history import GateHistory

Kind = Literal["train", "cut", "retrain", "evolution", "comparison", "sweep"]
Status = Literal["planned", "running", "interrupted", "failed", "finished"]

# What a summary says of a run before its results, and keeps when the run goes on.
_LASTING = ("schema", "kind", "created", "cut", "evolution", "digests", "launch")

# The numbers that later commands take from an epoch's line, from the results of an epoch, and from a finished training.
_EPOCH = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "rate",
    "epoch_seconds",
)
_RESULT = ("epoch", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy")
_FINISHED = ("epochs", "connections", "gated_connections", "layers", "parameters", "macs", "training_seconds")

# Which process holds the lock.
HOLDER = ".holder.json"

# The command that goes on with a run of each kind.
_COMMANDS: dict[str, str] = {"train": "train", "cut": "prune", "sweep": "sweep"}


class RunDirectory:
    """Everything that one training, or one cut, made.

    Args:
        path: the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.metrics = path / "metrics.jsonl"
        self.gates = path / "gates.safetensors"
        self.checkpoint = path / "checkpoint" / "latest.safetensors"
        self.previous_checkpoint = path / "checkpoint" / "previous.safetensors"
        self.environment = path / "environment.json"
        self.best = path / "best.safetensors"
        self.final = path / "final.safetensors"
        self.cut = path / "cut.json"
        self.comparison = path / "comparison.json"
        self.sweep = path / "sweep.json"
        self.parent = path / "parent.yaml"
        self.initial = path / "initial.safetensors"
        self.exports = path / "export"
        self.tensorboard = path / "tensorboard"
        self._architecture = path / "architecture.yaml"
        self._summary = path / "summary.json"

    @classmethod
    def create(
        cls, path: Path, kind: Kind, config: str, architecture: Architecture, status: Status = "running"
    ) -> "RunDirectory":
        """Starts a run in a directory that is new or empty.

        Raises:
            UsageError: the directory holds something, or is no directory, or another process starts a run there.
        """
        require_empty(path)
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        with run.locked():
            # Once more, now that no other process can be doing the same.
            if run._summary.exists():
                raise UsageError(f"{path}: another process has just started a run here.")
            texts = {run.config: config, run._architecture: to_yaml(architecture)}
            for place, text in texts.items():
                write_text(place, text)
            digests = {place.name: text_digest(text) for place, text in texts.items()}
            begun = {"schema": SCHEMA, "kind": kind, "status": status, "created": _now(), "digests": digests}
            run.summarise(begun)
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
        if not run._summary.is_file():
            raise UsageError(f"{path}: this directory is no run: it has no summary.json.")
        return run

    def rewire(self, architecture: Architecture) -> None:
        """Writes the architecture of the run's network."""
        self.write(self._architecture, to_yaml(architecture))

    def reconfigure(self, config: str) -> None:
        """Writes the configuration."""
        self.write(self.config, config)

    def write(self, path: Path, text: str) -> None:
        """Writes one of the run's texts, and keeps its digest."""
        # In this order no moment leaves a digest beside a text that it does not belong to.
        self.summarise({"digests": {name: each for name, each in self._digests.items() if name != path.name}})
        write_text(path, text)
        self._keep_digest(path, text)

    def seal(self, path: Path) -> None:
        """Keeps the digest of one of the run's texts as it is now."""
        self._keep_digest(path, read_text(path))

    def _keep_digest(self, path: Path, text: str) -> None:
        self.summarise({"digests": {**self._digests, path.name: text_digest(text)}})

    def text(self, path: Path) -> str:
        """One of the run's texts.

        Raises:
            UsageError: it is not there, or is not what was written.
        """
        text = read_text(path)
        if self._digests.get(path.name) not in (None, text_digest(text)):
            raise UsageError(f"{path}: this file is damaged: it does not hold what was written into it.")
        return text

    @property
    def _digests(self) -> dict[str, str]:
        return dict(self.summary.get("digests", {}))

    @property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds: kind, status, and once finished the results.

        Raises:
            UsageError: the file is damaged.
        """
        found = read_sealed_json(self._summary)
        if found.get("status") == "finished" and found.get("kind") in ("train", "retrain", "evolution"):
            _require_numbers(found, _FINISHED, str(self._summary))
            for part in ("final", "best"):
                _require_numbers(found.get(part), _RESULT, f"{self._summary}, {part}")
        return found

    def summarise(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Writes changed entries of the summary, and returns all of it."""
        before = self.summary if self._summary.exists() else {}
        after = {**before, **changes, "updated": _now()}
        write_json(self._summary, sealed(after))
        return after

    def begin(self, changes: Mapping[str, Any]) -> None:
        """Marks the run as under way; the results of a finished run that goes on are dropped first."""
        begun = {key: value for key, value in self.summary.items() if key in _LASTING}
        begun.get("digests", {}).pop(self.metrics.name, None)
        begun |= {**changes, "status": "running", "updated": _now()}
        write_json(self._summary, sealed(begun))
        self.final.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from training in this directory; the lock ends with the process, however it ends.

        Raises:
            RunLockedError: another process holds it; the message says which.
        """
        holder = self.path / HOLDER
        try:
            with FileLock(self.path / LOCK, timeout=0):
                write_json(holder, {"process": os.getpid(), "host": socket.gethostname(), "since": _now()})
                try:
                    yield
                finally:
                    holder.unlink(missing_ok=True)
        except Timeout:
            raise RunLockedError(f"{self.path}: {_who(holder)} is training in this run.") from None

    def clear_leftovers(self) -> None:
        """Removes what a process that was killed was just writing; the caller holds the lock."""
        for folder in (self.path, self.checkpoint.parent):
            for leftover in folder.glob(".*"):
                if leftover.name not in (LOCK, HOLDER) and leftover.is_file():
                    leftover.unlink()

    @contextmanager
    def status_on_error(self) -> Iterator[None]:
        """Notes in the summary that what runs in here was interrupted, or failed."""
        try:
            yield
        except BaseException as error:
            # What was to be said of the error must not be lost to a disk that is full or gone.
            with suppress(OSError, ConnpruneError):
                self.summarise({"status": "interrupted" if isinstance(error, InterruptedRunError) else "failed"})
            raise

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

    def architecture(self) -> Architecture:
        """The architecture of the run's network."""
        return from_yaml(self.text(self._architecture), str(self._architecture))

    def write_metrics(self, epochs: Sequence[Mapping[str, Any]]) -> None:
        """Writes a line for each epoch."""
        write_text(self.metrics, metrics_text(epochs))

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of all epochs so far; none if no epoch has ended yet.

        Raises:
            UsageError: the file is damaged.
        """
        if not self.metrics.exists():
            return []
        try:
            found = [parse_object(line) for line in self.text(self.metrics).splitlines()]
        except ValueError as error:
            raise UsageError(f"{self.metrics}: this file is damaged: in a line, {error}.") from None
        for number, epoch in enumerate(found, 1):
            _require_numbers(epoch, _EPOCH, f"{self.metrics}, line {number}")
        return found

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
        found = GateHistory.from_arrays(*read_arrays(self.gates), str(self.gates))
        if not found.belongs_to(self.architecture()):
            raise UsageError(f"{self.gates}: these gates do not belong to the architecture beside them.")
        return found

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


def metrics_text(epochs: Sequence[Mapping[str, Any]]) -> str:
    """A line of JSON for each epoch."""
    return "".join(json.dumps(epoch, allow_nan=False) + "\n" for epoch in epochs)


def _who(holder: Path) -> str:
    """Which process holds a lock, as far as it has said so."""
    try:
        found = read_json(holder)
        return f"process {found['process']} on {found['host']} (since {found['since']})"
    except (UsageError, KeyError):
        return "another process"


def _require_numbers(found: Any, keys: Sequence[str], name: str) -> None:
    values = found if isinstance(found, dict) else {}
    lacking = next((key for key in keys if type(values.get(key)) not in (int, float)), None)
    if lacking is not None:
        raise UsageError(f"{name}: this file is damaged: expected a number under {lacking!r}.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
