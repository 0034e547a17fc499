"""What the machine can do at best, measured beside everything else."""

import weakref
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from connprune.training.timing import seconds_of, wait

_REPEATS = 7


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


class Held(TorchDispatchMode):
    """Counts the memory of the tensors that are alive at once, as CUDA's allocator does on a GPU.

    Resident memory would also count what the libraries below torch keep for themselves.

    Attributes:
        peak: bytes, of tensors made in here.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self._now += size
            self.peak = max(self.peak, self._now)
            weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._now -= size


def peak_bytes(work: Callable[[], object], device: torch.device) -> int:
    """The most memory that the tensors of `work` take at once, beyond what was there before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before: int = torch.cuda.memory_allocated(device)
        work()
        wait(device)
        most: int = torch.cuda.max_memory_allocated(device)
        return most - before
    held = Held()
    with held:
        work()
    return held.peak
