"""Work that is done beside what a process is about, such as writing files: one piece at a time, in one thread."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class Background:
    """Does one piece of work at a time; what goes wrong in it is raised where it is next asked for.

    Leaving the context waits for what is under way. An error that is being raised is not replaced by one of it.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if error is None:
            self.wait()

    @property
    def is_busy(self) -> bool:
        """Whether something is under way."""
        return self._last is not None and not self._last.done()

    def begin(self, work: Callable[[], None]) -> None:
        """Begins a piece of work, once what was begun before it is done.

        Raises:
            Exception: what went wrong in that.
        """
        self.wait()
        self._last = self._thread.submit(work)

    def wait(self) -> None:
        """Waits until nothing is under way.

        Raises:
            Exception: what went wrong in it.
        """
        if self._last is not None:
            last, self._last = self._last, None
            last.result()

    def require_no_error(self) -> None:
        """Raises what went wrong, if something has; waits for nothing."""
        if not self.is_busy:
            self.wait()
