"""Files that claim gigabytes and store kilobytes: the holes of sparse files read as zeros without end."""

import errno
import os
from pathlib import Path

from connprune.errors import DamagedFileError

# Smaller files cost little, whatever is in them; a copy of honest weights may have some holes where they are zero.
_MODEST = 16 * 2**20
_LEAST_SHARE = 0.1


def require_stored(path: Path) -> None:
    """Refuses a large file of which the disk holds less than a tenth, before it is read.

    Raises:
        UsageError: it is such a file.
        OSError: it cannot be opened.
    """
    size = path.stat().st_size
    if size > _MODEST and _stored(path, size) < size * _LEAST_SHARE:
        raise DamagedFileError(path, f"it claims {size:,} bytes, of which less than a tenth are on the disk")


def _stored(path: Path, size: int) -> float:
    """How many bytes are no hole, as far as they must be counted; all of them where the file system does not say.

    Blocks in use would not tell: some file systems count them late, or compress.
    """
    if not hasattr(os, "SEEK_DATA"):
        return size
    stored = end = 0
    handle = os.open(path, os.O_RDONLY)
    try:
        while end < size and stored < size * _LEAST_SHARE:
            start = os.lseek(handle, end, os.SEEK_DATA)
            end = os.lseek(handle, start, os.SEEK_HOLE)
            stored += end - start
    except OSError as error:
        # There is no data any more, or the file system knows no holes.
        return stored if error.errno == errno.ENXIO else size
    finally:
        os.close(handle)
    return stored
