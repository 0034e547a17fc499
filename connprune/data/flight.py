"""Work shared out among threads, with a limit on the bytes that are under way at once."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


class _Turns:
    """Hands out bytes in the order of the tasks, so that the one that is waited for never waits for a later one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._next = 0
        self._stopped = False
        self._changed = Condition()

    def take(self, number: int, count: int) -> None:
        """Waits until there is room; a task that needs more than there is at all has it for itself."""

        def may() -> bool:
            room = self._taken == 0 or self._taken + count <= self._most
            return self._stopped or (self._next == number and room)

        with self._changed:
            self._changed.wait_for(may)
            self._next += 1
            self._taken += count
            self._changed.notify_all()

    def give(self, count: int) -> None:
        with self._changed:
            self._taken -= count
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def in_flight(
    items: Iterable[A],
    weigh: Callable[[A], tuple[B, int]],
    do: Callable[[B], C],
    most: int,
    threads: int | None = None,
) -> Generator[C]:
    """The results of tasks, in the order of their items, worked on in threads.

    Args:
        items: one for each task.
        weigh: begins a task; gives what it has begun with, and how many bytes the rest takes.
        do: does the rest.
        most: how many bytes may be taken at once by tasks whose results have not been passed on.
        threads: how many; None is a few more than there are cores. One is the caller's own.
    """
    if threads == 1:
        yield from (do(weigh(item)[0]) for item in items)
        return
    turns = _Turns(most)

    def task(numbered: tuple[int, A]) -> tuple[C, int]:
        number, item = numbered
        begun, count = weigh(item)
        turns.take(number, count)
        return do(begun), count

    pool = ThreadPoolExecutor(threads)
    try:
        for result, count in pool.map(task, enumerate(items)):
            yield result
            turns.give(count)
    finally:
        turns.stop()
        pool.shutdown(cancel_futures=True)
