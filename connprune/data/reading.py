"""Reads a folder's files a few at a time: what their bytes and headers say, and their images."""

import hashlib
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple, TypeVar

from connprune.data.decoding import Picture, RangeWantedError, decode, extremes, opened
from connprune.data.flight import in_flight
from connprune.data.memory import give_back_freed, memory
from connprune.data.progress import Progress
from connprune.data.settings import DataSettings
from connprune.errors import ConnpruneError
from connprune.printable import printable

B = TypeVar("B")
C = TypeVar("C")

# What images may take while they are being decoded, all threads together, unless one alone takes more.
_BYTES_IN_FLIGHT = 2**29
_SHARE_IN_FLIGHT = 1 / 8
# Pillow keeps four bytes a pixel, and turning, laying on a background and handing over each make a copy.
_BYTES_A_PIXEL = 12
# Files up to this size are read at once; of larger ones the header comes first.
_SMALL_FILE = 2**20
# Of so many files at the beginning, most have less than this many bytes: such files are read by one thread.
_ASKED, _TINY_FILE = 64, 2**14
# After images of this size freed memory is given back.
_LARGE = 2**26
_SIXTEEN_BITS = (0, 65535)


class _Begun(NamedTuple):
    """A file whose header was read: its content if it is small, why it cannot be read, whether its image is large."""

    path: Path
    content: bytes | None = None
    reason: str | None = None
    large: bool = False


class Read(NamedTuple):
    """The SHA-256 of a file's bytes, and its image, or why it cannot be read."""

    digest: str
    picture: Picture | str


def content_of(paths: Sequence[Path], progress: Progress, what: str = "images with the decoded ones") -> str:
    """SHA-256 of the bytes of files, without decoding them.

    Args:
        paths: of the files.
        progress: is handed the loop over them.
        what: is compared, in words.
    """
    digests = _each(paths, lambda path: (path, 0), _file_digest)
    label = f"comparing {len(paths)} {what}"
    with closing(digests):
        return joined(progress(digests, label, len(paths)))


def pictures(paths: Sequence[Path], settings: DataSettings) -> Generator[Read, None, None]:
    """The files' images, in their order; to be closed, which ends what is under way.

    Raises:
        RangeWantedError: see `decode`.
    """
    return _each(paths, _begin, partial(_read, settings))


def _why(error: Exception) -> str:
    """Why a file cannot be read, on one line."""
    reason = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return printable(reason.splitlines()[0])


def _each(
    paths: Sequence[Path], begin: Callable[[Path], tuple[B, int]], do: Callable[[B], C]
) -> Generator[C, None, None]:
    """What is done with each file, in their order; see `in_flight`."""
    return in_flight(paths, begin, do, _most_in_flight(), _threads_for(paths))


def _threads_for(paths: Sequence[Path]) -> int | None:
    """One for tiny files: of several, each waits for Python's lock longer than it reads."""
    tiny = 0
    for path in paths[:_ASKED]:
        try:
            tiny += path.stat().st_size < _TINY_FILE
        except OSError:
            tiny += 1
    return 1 if 2 * tiny > min(len(paths), _ASKED) else None


def _most_in_flight() -> int:
    there = memory()
    return _BYTES_IN_FLIGHT if there is None else min(_BYTES_IN_FLIGHT, int(_SHARE_IN_FLIGHT * there))


def _begin(path: Path) -> tuple[_Begun, int]:
    """Reads the header of a file; says how many bytes its decoding takes."""
    if not path.is_file():
        return _Begun(path, reason="it is no file"), 0  # A pipe or a device would be waited for, or never end.
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read() if size <= _SMALL_FILE else None
            with opened(file if content is None else BytesIO(content)) as image:
                width, height = image.size
        count = size + _BYTES_A_PIXEL * width * height
        return _Begun(path, content, large=count > _LARGE), count
    except (ConnpruneError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise whatever they stumble over.
        return _Begun(path, reason=_why(error)), 0


def _read(settings: DataSettings, begun: _Begun) -> Read:
    if begun.reason is not None:
        return Read(_file_digest(begun.path), begun.reason)
    content = begun.content
    try:
        if content is None:
            content = begun.path.read_bytes()
        return Read(hashlib.sha256(content).hexdigest(), decode(BytesIO(content), settings))
    except (ConnpruneError, MemoryError, RangeWantedError):
        raise
    except Exception as error:
        return Read("" if content is None else hashlib.sha256(content).hexdigest(), _why(error))
    finally:
        if begun.large:
            give_back_freed()


def _file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; of what is no file, or cannot be read, an empty text."""
    if not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def found_range(paths: Sequence[Path], progress: Progress) -> tuple[int, int]:
    """The least and the greatest value of those images that have more than 8 bits."""
    ranges = _each(paths, _begin, _extremes)
    with closing(ranges):
        ends = [each for each in progress(ranges, f"finding the range of {len(paths)} images", len(paths)) if each]
    if not ends:
        return _SIXTEEN_BITS
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return low, max(high, low + 1)


def _extremes(begun: _Begun) -> tuple[int, int] | None:
    if begun.reason is not None:
        return None
    try:
        return extremes(BytesIO(begun.path.read_bytes() if begun.content is None else begun.content))
    except (ConnpruneError, MemoryError):
        raise
    except Exception:
        return None
    finally:
        if begun.large:
            give_back_freed()


def joined(digests: Iterable[str]) -> str:
    """One SHA-256 for many."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
