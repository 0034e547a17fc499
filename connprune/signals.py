"""Signals that ask to stop: they interrupt a command wherever it is, except for a training, which notes them.

One that was ignored when the process started stays ignored: `nohup`, `trap '' INT`, the background of a script.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self

from connprune.errors import InterruptedRunError

# SIGUSR1 and SIGUSR2 are what batch systems such as SLURM can send some time before they end a job; SIGHUP comes when
# a terminal is closed.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
STOPPING = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]

_AGAIN_SECONDS = 0.1
# How long an import is waited for: most of torch's, and no longer than somebody waits who pressed Ctrl-C.
_IMPORT_SECONDS = 1.0


def _heeded() -> Iterator[signal.Signals]:
    return (number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN)


class Stop:
    """Notes a signal that asks to stop; the same one again ends the process at once.

    Attributes:
        number: the signal, or None.

    Raises:
        InterruptedRunError: on leaving, if a signal was noted and nothing else is raised because of it.
    """

    number: int | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _heeded()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        if kind is None and self.number is not None:
            raise InterruptedRunError("Interrupted; what was under way is done and saved.", self.number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        signal.signal(number, signal.SIG_DFL)


class Interrupts:
    """Raises a signal that asks to stop as InterruptedRunError; the same one again ends the process at once.

    What is raised at any moment may get lost: in a finaliser, in a callback from C, in a library that catches
    everything. So it is raised again for as long as no part of the process is seen to handle it. While a module is
    imported it waits, since the C++ that torch runs then would abort the process; if that takes long, the process ends
    at once, as if it had been killed.

    Attributes:
        came: the signal, or None.
    """

    came: int | None = None
    _waited = 0.0

    def begin(self) -> None:
        """From now on signals are raised."""
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._raise_again)
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._drop
        for number in _heeded():
            signal.signal(number, self._raise)

    def end(self) -> None:
        """From now on a signal ends the process at once: nothing is left to be undone."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number in _heeded():
            signal.signal(number, _leave)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if self.came is None:
            self.came = number
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
                if _is_importing(frame):
                    return
            raise InterruptedRunError("Interrupted.", number)

    def _raise_again(self, number: int, frame: FrameType | None) -> None:
        if self.came is None or interruption_behind(sys.exc_info()[1]):
            return
        if not _is_importing(frame):
            raise InterruptedRunError("Interrupted.", self.came)
        self._waited += _AGAIN_SECONDS
        if self._waited >= _IMPORT_SECONDS:
            with suppress(OSError):
                os.write(2, b"Error: Interrupted.\n")
            _leave(self.came, frame)

    def _drop(self, lost: "sys.UnraisableHookArgs") -> None:
        if lost.exc_type is not InterruptedRunError:
            self._unraisable(lost)


def interruption_behind(error: BaseException | None) -> InterruptedRunError | None:
    """The interruption that an error is, or that led to it; None if there was none."""
    while error:
        if isinstance(error, InterruptedRunError):
            return error
        error = error.__context__
    return None


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)
