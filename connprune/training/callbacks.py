"""What is told of a training while it goes, for programs of others: an experiment tracker, a message, a file."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from connprune import builtin
from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Trained
from connprune.errors import UsageError
from connprune.mistakes import Mistake
from connprune.names import nearest, one_of
from connprune.registry import Registry


@dataclass(frozen=True)
class Watched:
    """A training that begins, or resumes.

    Attributes:
        path: the run's directory.
        created: when the run was begun, ISO 8601; it stays the same when the run is resumed, copied or moved.
        configuration: in full, as plain data.
        done: how many epochs are done already.
    """

    path: Path
    created: str
    configuration: Mapping[str, object]
    done: int

    @property
    def identity(self) -> str:
        """What tells the run from others, 16 hexadecimal digits."""
        return hashlib.sha256(self.created.encode()).hexdigest()[:16]


class Callback:
    """Is told of a training, in the process that trains; of several processes in the first.

    What it raises ends the training only while it is made, before the first epoch. Later that is a warning, and the
    callback is told no more.

    Args:
        training: what begins or resumes.
    """

    # What it is asked for by; a class without a name is a base of others.
    name: ClassVar[str] = ""
    # The package that it needs, which is that of an extra of the same name; empty is none.
    package: ClassVar[str] = ""

    def __init__(self, training: Watched) -> None:
        self.training = training

    def on_epoch(self, epoch: EpochMetrics) -> None:
        """An epoch is done; after the training went back to an earlier one, or was resumed, it may be told again."""

    def on_end(self, summary: Trained) -> None:
        """All epochs are done, and all files are written."""

    def close(self) -> None:
        """Nothing more is told, whatever happened; `on_end` came before if the training has finished."""


CALLBACKS: Registry[type[Callback]] = Registry(
    "callback", "connprune.callbacks", lambda callback: callback.name or None, Callback, builtin.CALLBACKS
)


def require_callbacks(names: Sequence[str]) -> None:
    """Refuses callbacks that there are not.

    Raises:
        UsageError: one is unknown or named twice, or its package is missing; the message says how to install it.
    """
    for number, name in enumerate(names):
        key = f"run.callbacks.{number}"
        if name not in CALLBACKS:
            expected = f"one of {one_of(CALLBACKS)}, or one of a plug-in"
            raise UsageError(Mistake(key=key, found=repr(name), expected=expected, hint=nearest(name, CALLBACKS)))
        if name in names[:number]:
            raise UsageError(Mistake(key=key, found=repr(name), expected="each callback once"))
        package = CALLBACKS[name].package
        if package and find_spec(package) is None:
            raise UsageError(
                f"{key}: found {name!r}, but the package {package} is not installed; install it with "
                f"`pip install 'connprune[{name}]'`."
            )


class Told:
    """The callbacks of one training; one that fails is told no more.

    Args:
        names: of the callbacks, which `require_callbacks` knows.
        training: what begins or resumes.
        warn: is told in a sentence of a callback that fails.

    Raises:
        UsageError: one of them cannot begin.
    """

    def __init__(self, names: Sequence[str], training: Watched, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._callbacks: dict[str, Callback] = {}
        for name in names:
            try:
                self._callbacks[name] = CALLBACKS[name](training)
            except Exception as error:  # Code of others may fail in any way.
                self.close()
                raise UsageError(f"run.callbacks: {name} cannot begin: {_in_words(error)}.") from error

    def on_epoch(self, epoch: EpochMetrics) -> None:
        """Tells all of an epoch."""
        self._tell("on_epoch", lambda callback: callback.on_epoch(epoch))

    def on_end(self, summary: Trained) -> None:
        """Tells all of the end."""
        self._tell("on_end", lambda callback: callback.on_end(summary))

    def close(self) -> None:
        """Tells all that nothing more comes."""
        self._tell("close", lambda callback: callback.close())
        self._callbacks = {}

    def _tell(self, what: str, tell: Callable[[Callback], None]) -> None:
        for name, callback in list(self._callbacks.items()):
            try:
                tell(callback)
            except Exception as error:  # Code of others may fail in any way.
                del self._callbacks[name]
                self._warn(
                    f"run.callbacks: {name} failed in {what}, so it is told no more; the training goes on: "
                    f"{_in_words(error)}"
                )


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
