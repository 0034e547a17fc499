"""What the machine can do at best, measured beside everything else."""

import ctypes
import ctypes.util
import gc
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

_REPEATS = 7


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """How long one call takes, until the device has done it."""
    wait(device)
    started = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - started


def wait(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def matrix_product_rate(device: torch.device) -> float:
    """Floating-point operations a second of a float32 matrix product, multiplications and additions counted."""
    side = 8192 if device.type == "cuda" else 2048
    left, right = torch.rand(side, side, device=device), torch.rand(side, side, device=device)
    return 2 * side**3 / _best(lambda: left @ right, device)


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second of a copy, those read and those written counted."""
    numbers = 2**28 if device.type == "cuda" else 2**26
    source = torch.rand(numbers, device=device)
    target = torch.empty_like(source)
    return 2 * source.numel() * source.element_size() / _best(lambda: target.copy_(source), device)


def _best(work: Callable[[], object], device: torch.device) -> float:
    return median(sorted(seconds_of(work, device) for _ in range(_REPEATS))[:3])


def peak_bytes(work: Callable[[], object], device: torch.device) -> int | None:
    """The most memory that `work` holds at once, beyond what was held before; None where it cannot be told.

    On the CPU that is resident memory, with freed memory given back at once so that it is what the work holds and not
    what the allocator keeps for later; it needs Linux with glibc.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        wait(device)
        return torch.cuda.max_memory_allocated(device) - before
    reset = Path("/proc/self/clear_refs")
    library = ctypes.util.find_library("c")
    if device.type != "cpu" or not reset.exists() or library is None:
        return None
    libc = ctypes.CDLL(library)
    if not hasattr(libc, "mallopt"):
        return None
    libc.mallopt(-3, 64 * 1024)  # M_MMAP_THRESHOLD
    libc.malloc_trim(0)
    reset.write_text("5", encoding="ascii")
    before = _resident("VmRSS")
    work()
    return _resident("VmHWM") - before


def _resident(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))
