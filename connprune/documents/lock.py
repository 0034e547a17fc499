"""Who works in a run's directory."""

from connprune.documents.base import Natural, Part


class LockOwner(Part):
    """Who works in a run's directory, as the file beside the lock says.

    Attributes:
        process: its number.
        host: the name of the machine.
        boot: which start of the machine; empty where the system does not say.
        started: when the process began, in the system's own ticks since then; 0 where it does not say.
        since: when it took the lock, ISO 8601.
        folder: the inode of the directory.
        mark: a random word of this lock alone.
    """

    process: Natural
    host: str
    boot: str = ""
    started: Natural = 0
    since: str
    folder: Natural | None = None
    mark: str = ""
