"""How the C library hands out memory."""

import ctypes
import sys

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Lets this process keep the memory that tensors on the CPU leave, instead of giving it back each time.

    torch frees and asks for the same large tensors at every step, and each time the system would have to map and clear
    their pages anew. Where the C library is not glibc nothing changes.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
