"""A large file that gets its name when it is whole, and when what is in it says what that name is."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import IO

from connprune.errors import DiskFullError
from connprune.leftovers import sweep, temporary_folder


@contextmanager
def under_way(folder: Path) -> Iterator[IO[bytes]]:
    """A file to write into, which is gone afterwards unless it was given another name.

    What killed processes have left of theirs is taken away first.

    Raises:
        DiskFullError: there is no room for what was written.
    """
    sweep(folder)
    temporary = temporary_folder(folder / "decoding")
    try:
        with (temporary / "images").open("w+b") as file:
            yield file
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise DiskFullError(f"{folder}: the disk is full; no decoded image was kept.") from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def keep(file: IO[bytes], path: Path) -> None:
    """Gives a file that is under way its name, once it is on the disk; one that has the name already is replaced."""
    file.flush()
    os.fsync(file.fileno())
    Path(file.name).replace(path)
