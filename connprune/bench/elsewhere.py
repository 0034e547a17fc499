"""Steps that run in a process of their own, while the process that times them waits."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol

from connprune.errors import ConnpruneError


class Work(Protocol):
    """What the other process can be asked for."""

    def step(self) -> object:
        """Runs until the step is done."""

    def peak_bytes(self) -> int:
        """The most memory that a step's tensors take at once."""


class Elsewhere:
    """The other process's work, called as if it were here."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def step(self) -> None:
        """One step there."""
        self._ask("step")

    def peak_bytes(self) -> int:
        """The most memory that a step's tensors take there at once."""
        return int(self._ask("peak_bytes"))

    def _ask(self, what: str) -> Any:
        try:
            self._pipe.send(what)
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise ConnpruneError("A process that was to be timed has ended; there may be too little memory.") from None
        if isinstance(answer, str):
            raise ConnpruneError(f"A process that was to be timed failed: {answer}")
        return answer


@contextmanager
def elsewhere(make: Callable[..., Work], *arguments: Any) -> Iterator[Elsewhere]:
    """A new process that has made its work and waits to be asked for it; it ends with the context.

    Args:
        make: makes the work, from the arguments.
        arguments: are copied over to the other process, as `make` is.

    Raises:
        ConnpruneError: the other process failed, or ended before it answered.
    """
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(theirs, make, arguments))
    with _without_interrupts():
        process.start()
    theirs.close()
    try:
        yield Elsewhere(ours)
    finally:
        ours.close()
        process.terminate()
        process.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keeps Ctrl-C, which reaches all processes of a terminal, from a process that starts: it ends with this one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, make: Callable[..., Work], arguments: tuple[Any, ...]) -> None:
    with suppress(EOFError, OSError):
        try:
            work = make(*arguments)
            while True:
                answer = getattr(work, pipe.recv())()
                pipe.send(answer if isinstance(answer, int) else None)
        except (ConnpruneError, MemoryError, RuntimeError) as error:
            pipe.send(f"{type(error).__name__}: {error}")
