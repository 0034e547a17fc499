"""How much memory this process may take."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

# Where a cgroup's limit is: of version 2, and of version 1.
_LIMITS = (("", "sys/fs/cgroup", "memory.max"), ("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes"))


def memory(root: Path = Path("/")) -> int | None:
    """The bytes of memory that this process may take: the machine's, or less where a limit is set.

    A control group may set one, or the process's own limits on its data (`ulimit -d`) and its addresses (`ulimit -v`).

    Args:
        root: the folder that holds `proc` and `sys`.

    Returns:
        None where the system does not say.
    """
    return min((*_of_machine(), *_of_process(), *_of_groups(root)), default=None)


def give_back_freed() -> None:
    """Gives memory that was freed back to the system, where the C library is glibc.

    It keeps what each thread has freed for that thread, so that several threads which decode large images in turn would
    together hold as many of them.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _of_machine() -> Iterator[int]:
    with suppress(AttributeError, ValueError, OSError):
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if total > 0:
            yield total


def _of_process() -> Iterator[int]:
    with suppress(ImportError):
        import resource

        for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS):
            allowed, _ = resource.getrlimit(kind)
            if allowed != resource.RLIM_INFINITY:
                yield allowed


def _of_groups(root: Path) -> Iterator[int]:
    """The limits of the groups that this process is in, and of those above them.

    In a container `/proc/self/cgroup` may name a group as the host does, while the file system shows the container's
    own as the root: what is not there is passed over.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        for controller, mount, name in _LIMITS:
            if controller in controllers.split(","):
                path = PurePosixPath(group.lstrip("/"))
                for each in (path, *path.parents):
                    with suppress(OSError, ValueError):  # `max` is no number, and means none.
                        yield int((root / mount / each / name).read_text())
