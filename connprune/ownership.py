"""The directories that this process works in: before each write it knows that such a directory is still its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connprune.errors import LostDirectoryError

# By absolute path: how the user names it, and whether it is still the one that was taken.
_own: dict[Path, tuple[Path, Callable[[], bool]]] = {}


@contextmanager
def owned(folder: Path, is_still_own: Callable[[], bool]) -> Iterator[None]:
    """Lets every write into a directory, or below it, ask first whether it is still the one that was taken."""
    path = folder.absolute()
    before = _own.get(path)
    _own[path] = (folder, is_still_own)
    try:
        yield
    finally:
        del _own[path]
        if before:
            _own[path] = before


def require_own(path: Path) -> None:
    """Is asked before something at `path` is written or removed.

    Raises:
        LostDirectoryError: it is in a directory of this process that was removed, moved away or replaced.
    """
    path = path.absolute()
    for folder in (path, *path.parents):
        named, is_still_own = _own.get(folder, (folder, _yes))
        if not is_still_own():
            raise LostDirectoryError(
                f"{named}: this directory was removed, moved away or taken by another process while this one worked "
                "in it; nothing more was written there."
            )


def _yes() -> bool:
    return True
