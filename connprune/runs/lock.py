"""Who works in a run directory: one process at a time, which knows before each write that it is still its own."""

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connprune.documents.lock import LockOwner
from connprune.errors import RunLockedError, UsageError
from connprune.files import LOCK, OWNER, read_json, write_json
from connprune.ownership import owned
from connprune.processes import Process
from connprune.runs.clock import now

# What file systems answer that have no locks.
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


@contextmanager
def locked(folder: Path) -> Iterator[str | None]:
    """Keeps other processes from working in a directory; the lock ends with the process, however it ends.

    Gives a sentence for the user where the file system has no locks. There the note of who works in it is all that
    keeps others out, and of two that begin in the same moment the first one stops at its next write.

    Raises:
        RunLockedError: another process holds it; the message says which.
        UsageError: the directory is not there.
    """
    # Its import takes longer than to ask all runs of a folder who works in them, which most commands do instead.
    from filelock import FileLock, Timeout

    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such run.")
    lock = FileLock(folder / LOCK, timeout=0, fallback_to_soft=False)
    warning = None
    try:
        lock.acquire()
    except Timeout:
        raise _refusal(folder) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        if lock_owner(folder):
            raise _refusal(folder) from None
        warning = (
            f"{folder}: this file system has no locks ({error.strerror}); do not let two processes, or two machines, "
            "work in this run at once: the one that was there first would stop"
        )
    try:
        mark = secrets.token_hex(8)
        _note(folder, mark)
        try:
            with owned(folder, lambda: _is_noted(folder, mark)):
                yield warning
        finally:
            if _is_noted(folder, mark):
                (folder / OWNER).unlink(missing_ok=True)
    finally:
        lock.release()


def lock_owner(folder: Path) -> Process | None:
    """The process that works in a directory; None if there is none, or it was killed.

    Trying the lock would keep a training that begins in that moment from getting it, so what its owner wrote beside it
    is read. On this machine the process is looked for; of another machine's what was written counts.
    """
    owner = _noted(folder)
    if owner is None:
        return None
    process = Process(owner.process, owner.host, owner.boot, owner.started)
    try:
        # A copy of a run that is under way holds its note, too, but nobody works in it.
        is_copy = process.host == Process.own().host and owner.folder not in (None, folder.stat().st_ino)
    except OSError:
        return None
    return process if process.is_alive and not is_copy else None


def _note(folder: Path, mark: str) -> None:
    process = Process.own()
    owner = LockOwner(
        process=process.number,
        host=process.host,
        boot=process.boot,
        started=process.started,
        since=now(),
        folder=folder.stat().st_ino,
        mark=mark,
    )
    write_json(folder / OWNER, owner.plain())


def _noted(folder: Path) -> LockOwner | None:
    try:
        return LockOwner.parse(read_json(folder / OWNER), str(folder / OWNER))
    except UsageError:
        return None


def _is_noted(folder: Path, mark: str) -> bool:
    owner = _noted(folder)
    return owner is not None and owner.mark == mark


def _refusal(folder: Path) -> RunLockedError:
    owner = _noted(folder)
    who = f"process {owner.process} on {owner.host} (since {owner.since})" if owner else "another process"
    return RunLockedError(f"{folder}: {who} is training in this run.")
