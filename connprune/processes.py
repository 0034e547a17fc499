"""Which process did something, told so that another one can find out whether it still runs."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from connprune.printable import printable


@dataclass(frozen=True)
class Process:
    """A process; the number alone is used again, in a container at every start.

    Attributes:
        number: its number.
        host: its machine.
        boot: which start of the machine it belongs to; empty where the system does not say.
        started: when it began, in clock ticks since then; 0 where the system does not say.
    """

    number: int
    host: str
    boot: str = ""
    started: int = 0

    @classmethod
    def own(cls) -> "Process":
        """This process."""
        _, started = _of(os.getpid())
        return cls(os.getpid(), socket.gethostname(), _boot(), started)

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; of another machine's nothing is known, so it is taken to."""
        if self.host != socket.gethostname():
            return True
        if self.number < 1 or (self.boot and self.boot != _boot()):
            return False
        if os.name == "nt":
            return True  # To ask would be to end it.
        try:
            os.kill(self.number, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass  # It is there, and another user's.
        state, started = _of(self.number)
        return state != "Z" and (not (self.started and started) or self.started == started)

    def __str__(self) -> str:
        elsewhere = "" if self.host == socket.gethostname() else f" on {printable(self.host)}"
        return f"process {self.number}{elsewhere}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _of(number: int) -> tuple[str, int]:
    """The state of a process, Z of one that has ended but is not buried, and when it began; nothing if not known."""
    try:
        # What comes before is the program's name in brackets, which may hold anything.
        fields = Path(f"/proc/{number}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, IndexError, ValueError):
        return "", 0
