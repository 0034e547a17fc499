"""How a long loop over files reports its progress without knowing who is looking."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Passes items on, and shows that it does."""

    def __call__(self, items: Iterable[T], label: str, total: int) -> Iterable[T]:
        """The same items in the same order.

        Args:
            items: what is looped over.
            label: what is being done.
            total: how many items there are.
        """


def untracked(items: Iterable[T], label: str, total: int) -> Iterable[T]:
    """Passes items on and shows nothing."""
    return items
