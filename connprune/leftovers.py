"""Names for what is not complete yet, and the removal of what a process that was killed left under such a name.

A name says which process it belongs to, so whoever writes into a folder next can tell what nobody will complete. What
has any other name is the user's.
"""

import hashlib
import os
import re
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from connprune.processes import Process

_SUFFIX = ".partial"
_NAME = re.compile(
    r"\..*\.(?P<place>[0-9a-f]{8})-(?P<number>\d+)-(?P<started>\d+)\.\w{8}" + re.escape(_SUFFIX), re.DOTALL
)
# Of the final name so many bytes are repeated: most systems allow 255 in all.
_REPEATED = 100
# What another machine, or another container, has not touched for so long, nobody completes.
_ABANDONED_SECONDS = 24 * 60 * 60


def temporary_folder(path: Path) -> Path:
    """Makes an empty folder beside `path`, for what gets that name once it is complete."""
    process = Process.own()
    name = path.name.encode(errors="surrogateescape")[:_REPEATED].decode(errors="ignore")
    prefix = f".{name}.{_place(process)}-{process.number}-{process.started}."
    return Path(tempfile.mkdtemp(dir=path.parent, prefix=prefix, suffix=_SUFFIX))


def sweep(folder: Path) -> None:
    """Removes what processes that are gone left incomplete in a folder."""
    # What cannot be looked at or removed is no reason not to go on.
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match and entry.is_dir(follow_symlinks=False) and _is_abandoned(match, entry):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_abandoned(match: re.Match[str], entry: "os.DirEntry[str]") -> bool:
    here = Process.own()
    if match["place"] != _place(here):
        with suppress(OSError):
            return time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED_SECONDS
        return False
    return not Process(int(match["number"]), here.host, here.boot, int(match["started"])).is_alive


def _place(process: Process) -> str:
    """Where numbers of processes mean the same: on one machine since it started, and in one container of it."""
    try:
        container = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        container = 0
    return hashlib.sha256(f"{socket.gethostname()} {process.boot} {container}".encode()).hexdigest()[:8]
