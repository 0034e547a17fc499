"""Files that are written whole or not at all, and read with one clear sentence when they are damaged.

JSON objects can be sealed: with a SHA-256 digest of what they hold, which is verified when they are read.
"""

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from connprune.errors import DamagedFileError, DiskFullError, OccupiedError, UsageError
from connprune.holes import require_stored
from connprune.leftovers import sweep, temporary_folder
from connprune.limits import JSON_VALUES, TEXT
from connprune.ownership import require_own
from connprune.printable import printable

# The key of a seal.
DIGEST = "digest"
# What a process holds while it works in a directory, and what says which one it is; without it they mean nothing.
LOCK, OWNER = ".lock", ".owner.json"
TOO_LARGE = "the file is larger than this process may write (ulimit -f)"


def write_whole(path: Path, write: Callable[[str], object], previous: Path | None = None) -> None:
    """Writes a file under a temporary name, flushes it to the disk, then gives it its own name.

    Args:
        path: of the file; its folder exists.
        write: is called with the temporary name.
        previous: the name that the file which was there takes, once the new one is on the disk; None drops it.

    Raises:
        DiskFullError: there is no room; nothing was changed at `path`.
        LostDirectoryError: it belongs to a directory of this process that is no longer its own.
        OSError: nothing was changed at `path`.
    """
    require_own(path)
    sweep(path.parent)
    try:
        # In a folder of its own: some writers make further files beside the one that they are asked for.
        folder = temporary_folder(path)
        try:
            umask = _umask(folder)
            temporary = folder / path.name
            write(str(temporary))
            _flush(temporary)
            temporary.chmod(0o666 & ~umask)
            # Of a directory that is replaced later than this, the temporary file is gone.
            require_own(path)
            if previous is not None and path.exists():
                path.replace(previous)
            temporary.replace(path)
            _flush_folder(path.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise _about(path, error) from error


def _about(path: Path, error: OSError) -> Exception:
    """The error of a write, by the name that the user knows."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(path.parent).free
        return DiskFullError(f"{path}: the disk is full ({free:,} bytes are free); nothing was changed.")
    if error.errno == errno.EFBIG:
        return DiskFullError(f"{path}: {TOO_LARGE}; nothing was changed.")
    return OSError(error.errno, error.strerror, str(path)) if error.errno else error


def require_empty(path: Path) -> None:
    """Refuses a path that holds something already.

    Raises:
        UsageError: it is a file, or a directory that is not empty; or its name would not be one line of output.
    """
    if set(str(path)) & {"\n", "\r"}:
        raise UsageError(
            f"{printable(str(path))}: the path of a run is printed as one line; it must hold no line break."
        )
    if path.is_dir():
        sweep(path)
    if path.exists() and (not path.is_dir() or any(entry.name not in (LOCK, OWNER) for entry in path.iterdir())):
        raise OccupiedError(f"{path}: expected an empty or a new directory.")


def require_replaceable(path: Path) -> None:
    """Refuses a path whose place no finished directory can take.

    Raises:
        UsageError: see `require_empty`; or it is a mount point.
    """
    try:
        require_empty(path)
    except OccupiedError as error:
        raise UsageError(str(error)) from None
    if path.is_dir() and (left := min((entry.name for entry in path.iterdir()), default=None)):
        # A lock that a run's directory may have: this one would have to be removed.
        raise UsageError(f"{path}: expected an empty or a new directory, found {left} in it.")
    if path.is_mount():
        raise UsageError(
            f"{path}: this is a mount point, whose place no finished directory can take; name a new one in it."
        )


@contextmanager
def whole_directory(path: Path) -> Iterator[Path]:
    """A temporary directory that takes the name `path` once its contents are complete.

    Args:
        path: a directory that is empty or does not exist; a link to an empty one stays, and leads to the complete one.

    Raises:
        UsageError: no directory can take this name, see `require_replaceable`.
        OSError: what was being written could not be; nothing is left of it.
    """
    require_replaceable(path)
    require_own(path)
    resolved = path.resolve() if path.is_symlink() else path
    resolved.parent.mkdir(parents=True, exist_ok=True)
    sweep(resolved.parent)
    temporary = temporary_folder(resolved)
    try:
        umask = _umask(temporary)
        yield temporary
        require_own(path)
        if resolved.exists():
            resolved.rmdir()
        temporary.chmod(0o777 & ~umask)
        temporary.rename(resolved)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, DiskFullError):
            raise DiskFullError(str(error).replace(str(temporary), str(path))) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text whole or not at all."""
    write_whole(path, lambda temporary: Path(temporary).write_text(text, encoding="utf-8"))


def write_json(path: Path, data: Mapping[str, object]) -> None:
    """Writes indented JSON whole or not at all."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def sealed(data: Mapping[str, object]) -> dict[str, object]:
    """A JSON object with its seal, in place of an older one."""
    plain = {key: value for key, value in data.items() if key != DIGEST}
    return {**plain, DIGEST: _digest_of_json(plain)}


def absolute(path: str) -> str:
    """The absolute path, with the user's home in the place of `~`.

    Raises:
        UsageError: it names the home of a user that there is not.
    """
    try:
        return str(Path(path).expanduser().absolute())
    except RuntimeError:
        raise UsageError(f"{path}: there is no such home folder.") from None


def read_text(path: Path) -> str:
    """Reads UTF-8 text.

    Raises:
        UsageError: the file is not there, cannot be read, or is beyond the limit on text.
    """
    most = TEXT.most
    try:
        # A pipe that lies in a folder would wait for ever; those that a shell opens are in /dev.
        if path.is_fifo() and path.parts[:2] != ("/", "dev"):
            raise UsageError(f"{path}: expected a file, found a pipe.")
        # A character has at most four bytes.
        if path.stat().st_size > 4 * most:
            raise UsageError(f"{path}: this file has {TEXT}.")
        with path.open(encoding="utf-8") as file:
            text = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot read this file: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DamagedFileError(path, "it is no UTF-8 text") from None
    if len(text) > most:
        raise UsageError(f"{path}: this file has {TEXT}.")
    return text


def read_json(path: Path) -> dict[str, object]:
    """Reads a JSON object.

    Raises:
        UsageError: the file is not there, or holds no JSON object.
    """
    text = read_text(path)
    try:
        return parse_object(text)
    except ValueError as error:
        raise DamagedFileError(path, str(error)) from None


def parse_object(text: str) -> dict[str, object]:
    """The JSON object that a text is.

    Raises:
        ValueError: it is no JSON, holds a number that is not finite, is no object, or is beyond the limit on values.
    """
    if sum(map(text.count, ",[{")) > JSON_VALUES.most:
        raise ValueError(f"it has {JSON_VALUES}")
    try:
        data = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON ({error})") from None
    if not isinstance(data, dict):
        raise ValueError("expected a JSON object")
    return data


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"found the number {text[:20]}")
    return number


def read_sealed_json(path: Path) -> dict[str, object]:
    """Reads a sealed JSON object, and returns it without its seal.

    Raises:
        UsageError: the file is not there, holds no JSON object, or not what was written into it.
    """
    data = read_json(path)
    if data.pop(DIGEST, None) != _digest_of_json(data):
        raise DamagedFileError(path, "it does not hold what was written into it")
    return data


def text_digest(text: str) -> str:
    """SHA-256 of a text as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes.

    Raises:
        UsageError: the file is large and hardly any of it is on the disk.
    """
    require_stored(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of_json(data: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _flush(path: Path) -> None:
    """Flushes a file to the disk by its name: what wrote it may have put another file in the place of ours."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    """Makes the new name last, where the system can: a rename is a change of the folder."""
    # Some systems cannot open a folder, some file systems cannot flush one; the file itself is on the disk.
    with suppress(OSError):
        _flush(folder)


def _umask(folder: Path) -> int:
    """What this process takes from the mode of what it makes, seen on a file made in an empty folder.

    The system tells it only to who sets it, and another thread may be making files meanwhile.
    """
    probe = folder / "umask"
    handle = os.open(probe, os.O_CREAT | os.O_EXCL, 0o777)
    try:
        return 0o777 & ~os.fstat(handle).st_mode
    finally:
        os.close(handle)
        probe.unlink()
