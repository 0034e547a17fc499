"""How a long loop over files reports its progress without knowing who is looking."""

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol, TypeVar

from connprune.errors import InterruptedRunError

T = TypeVar("T")


class Progress(Protocol):
    """Passes items on, and shows that it does."""

    def __call__(self, items: Iterable[T], label: str, total: int) -> Iterable[T]:
        """The same items in the same order.

        Args:
            items: what is looped over.
            label: what is being done.
            total: how many items there are.
        """


class StopSignal(Protocol):
    """Says whether a signal asked to stop."""

    @property
    def number(self) -> int | None:
        """The signal, or None."""


def stoppable(progress: Progress, stop: StopSignal) -> Progress:
    """The same, but a loop ends when a signal has come.

    Raises:
        InterruptedRunError: in the loop, once a signal has come.
    """

    def tracked(items: Iterable[T], label: str, total: int) -> Iterator[T]:
        for item in progress(items, label, total):
            if stop.number is not None:
                raise InterruptedRunError(f"Interrupted while {label}; nothing of that was kept.", stop.number)
            yield item

    return tracked


def without_progress(items: Iterable[T], label: str, total: int) -> Iterable[T]:
    """Passes items on and shows nothing."""
    return items


def images_of(part: str, count: int, parts: Collection[str]) -> str:
    """So many images, and of which part where there are several: the user of a single one may call it otherwise."""
    return f"{count:,} images of {part}" if len(parts) > 1 else f"{count:,} images"
