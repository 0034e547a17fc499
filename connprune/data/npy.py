"""NumPy's files: what an array is by its header, and its values as they are on the disk. No pickle is ever read."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from connprune.errors import DamagedFileError, UsageError
from connprune.holes import require_stored
from connprune.mistakes import Mark, Mistake
from connprune.printable import printable

_SUFFIX = ".npy"
# Deflate makes a thousand zeros one byte; values that anyone measured are never packed as tightly as this.
_DENSEST = 500
_MODEST = 16 * 2**20
_AT_ONCE = 2**24
# More than NumPy takes, which reads what a header claims before it looks how much that is.
_LONGEST_HEADER = 2**16
_MOST_BYTES = 2**63 - 1


class Header(NamedTuple):
    """What an array is.

    Attributes:
        shape: of the array.
        fortran: whether the first index is the fastest on the disk.
        dtype: of its values.
        start: at which byte of the file the values begin.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    start: int

    @property
    def nbytes(self) -> int:
        """How many bytes the values take."""
        count = self.dtype.itemsize
        for side in self.shape:
            count *= side
        return count


def read_header(file: IO[bytes], name: str, of: Path) -> Header:
    """Reads an array's header.

    Args:
        file: open for reading, at its beginning.
        name: of the array.
        of: the file, as messages name it.

    Raises:
        UsageError: it is no array of NumPy's format, or one of Python's objects, which only a pickle could hold.
    """
    beginning = BytesIO(file.read(_LONGEST_HEADER))
    try:
        version = npy_format.read_magic(beginning)
        if version == (1, 0):
            header = npy_format.read_array_header_1_0(beginning)
        elif version == (2, 0):
            header = npy_format.read_array_header_2_0(beginning)
        else:
            raise ValueError(f"its format has the version {version}")
        found = Header(*header, beginning.tell())
        _require_possible(found)
    except MemoryError:
        raise
    except Exception as error:  # A header is read as Python's text, by whatever parser, which raises what it likes.
        raise DamagedFileError(of, f"{name} is no array of NumPy's ({(str(error).splitlines() or [''])[0]})") from None
    if found.dtype.hasobject:
        raise UsageError(
            Mistake(
                key=name,
                found="an array of Python's objects",
                expected="numbers or texts",
                hint="objects are pickled, and no pickle is read",
                mark=Mark(str(of)),
            )
        )
    return found


def _require_possible(header: Header) -> None:
    """Raises ValueError: no array is like this."""
    if any(isinstance(side, bool) or side < 0 for side in header.shape) or header.nbytes > _MOST_BYTES:
        raise ValueError(f"its shape is {header.shape}")
    if not header.dtype.itemsize:
        raise ValueError(f"its values, of {header.dtype}, take no room")


def mapped(path: Path, name: str) -> np.ndarray:
    """The array in a file, as it is on the disk; nothing is read before it is asked for.

    Raises:
        UsageError: as of `read_header`, or the file is shorter or longer than its header says, or mostly a hole.
    """
    require_stored(path)
    with path.open("rb") as file:
        header = read_header(file, name, path)
    there = path.stat().st_size - header.start
    if there != header.nbytes:
        raise DamagedFileError(path, f"{name} claims {header.nbytes:,} bytes of values and holds {there:,}")
    if not header.nbytes:
        return np.empty(header.shape, header.dtype)
    order: Literal["C", "F"] = "F" if header.fortran else "C"
    values: np.ndarray = np.memmap(path, header.dtype, "r", header.start, header.shape, order)
    return values


def members(path: Path) -> dict[str, Header]:
    """The arrays of an `.npz` file by their names, each with its header.

    Raises:
        UsageError: it is no such file, or an array is none.
    """
    headers = {}
    with _archive(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith(_SUFFIX):
                name = info.filename.removesuffix(_SUFFIX)
                with _unpacking(info, path), archive.open(info) as file:
                    headers[name] = read_header(file, name, path)
    return headers


def unpack(path: Path, name: str, to: Path) -> np.ndarray:
    """Unpacks an array of an `.npz` file into a file of its own, piece by piece, and maps that.

    Args:
        path: the `.npz` file.
        name: of the array.
        to: the new file.

    Raises:
        UsageError: the array is damaged, or takes far more room than a file of this size has values for.
        OSError: the disk is full.
    """
    with _archive(path) as archive, to.open("xb") as target:
        info = archive.getinfo(name + _SUFFIX)
        if info.file_size > max(_MODEST, _DENSEST * info.compress_size):
            raise DamagedFileError(path, f"{name} claims {info.file_size:,} bytes and stores {info.compress_size:,}")
        for piece in _pieces(archive, info, path):
            target.write(piece)
    try:
        return mapped(to, name)
    except DamagedFileError as error:
        raise DamagedFileError(path, str(error.args[1])) from None


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Iterator[bytes]:
    with _unpacking(info, path), archive.open(info) as source:
        while piece := source.read(_AT_ONCE):
            yield piece


@contextmanager
def _unpacking(info: zipfile.ZipInfo, path: Path) -> Iterator[None]:
    """Says so if an archive is damaged.

    Raises:
        UsageError: it is.
    """
    try:
        yield
    except (UsageError, MemoryError):
        raise
    except Exception as error:  # What `zipfile` and its decoders stumble over they raise as they like.
        raise DamagedFileError(path, f"{printable(info.filename)} cannot be unpacked ({error})") from None


def _archive(path: Path) -> zipfile.ZipFile:
    require_stored(path)
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise DamagedFileError(path, f"it is no .npz file ({error})") from None
