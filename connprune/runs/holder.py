"""Which process works in a run directory, found without touching the lock that it holds."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from connprune.errors import UsageError
from connprune.files import read_json
from connprune.printable import printable
from connprune.runs.directory import HOLDER


@dataclass(frozen=True)
class Holder:
    """A process that works in a run.

    Attributes:
        process: its number.
        host: its machine.
    """

    process: int
    host: str

    def __str__(self) -> str:
        elsewhere = "" if self.host == socket.gethostname() else f" on {printable(self.host)}"
        return f"process {self.process}{elsewhere}"


def holder(path: Path) -> Holder | None:
    """The process that works in a run directory; None if there is none, or it was killed.

    Trying the lock would keep a training that begins in that moment from getting it, so what the holder wrote beside it
    is read. On this machine the process is looked for; of another machine's what was written counts.
    """
    try:
        found = read_json(path / HOLDER)
        process, host = int(found["process"]), str(found["host"])
    except (UsageError, OSError, KeyError, TypeError, ValueError):
        return None
    return Holder(process, host) if host != socket.gethostname() or _is_alive(process) else None


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # To ask would be to end it.
    if process < 1:
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
