"""Ends what a command has started as soon as the command is gone, however it went.

A process cannot clean up after a SIGKILL; a guardian of its own does. It knows what it watches over by a mark in the
environment, which every process hands on to those that it starts. Started as a program it is the guardian, which needs
nothing but Python itself. It works where the system shows environments in /proc, which is Linux.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "CONNPRUNE_GUARDED"

_GLANCE_SECONDS = 0.02
# A process that cannot be ended, because it waits for a file system, must not keep its guardian for ever.
_LONGEST_WAIT_SECONDS = 60.0


@contextmanager
def guarded(parent: str | None = None) -> Iterator[Path]:
    """Kills at its end all processes that were started within it, and those that they started.

    The same happens when this process ends within it, even by SIGKILL.

    Args:
        parent: where the folder is made; None is the system's folder for temporary files.

    Yields:
        A folder of which only this user can see the files, and which is removed after the processes have ended.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir=parent)).absolute()
    mark = secrets.token_hex(16)
    guardian = subprocess.Popen(  # noqa: S603
        # By its file and isolated: it imports nothing from the current folder, and starts at once.
        [sys.executable, "-I", "-S", __file__, mark, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A Ctrl-C is for the command; the guardian has its work to do after it.
        start_new_session=True,
    )
    os.environ[MARK] = mark
    try:
        yield folder
    finally:
        os.environ.pop(MARK, None)
        guardian.communicate()


def marked(mark: str) -> list[int]:
    """The processes with this mark, of those whose environment this user may see."""
    entry = f"{MARK}={mark}".encode()
    numbers = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (process / "environ").read_bytes().split(b"\0"):
                numbers.append(int(process.name))
        except OSError:  # It has ended, or is another user's.
            continue
    return numbers


def _guard(mark: str, folder: str) -> None:
    sys.stdin.read()
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while (left := marked(mark)) and time.monotonic() < deadline:
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_GLANCE_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _guard(*sys.argv[1:])
