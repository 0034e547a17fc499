"""What the machine can do at best, measured beside everything else."""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from connprune.training.precision import Precision, computing_in
from connprune.training.timing import Step, seconds_of, wait

_REPEATS = 7


def matrix_product(device: torch.device, precision: Precision) -> tuple[Step, int]:
    """A large matrix product, and its floating-point operations, multiplications and additions counted.

    Args:
        device: where.
        precision: that of its products.
    """
    side = 8192 if device.type == "cuda" else 2048
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    left, right = (torch.rand(side, side, device=device, dtype=kind) for _ in range(2))

    def step() -> Tensor:
        with computing_in(precision, device):
            return left @ right

    return step, 2 * side**3


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second of a copy, those read and those written counted."""
    numbers = 2**28 if device.type == "cuda" else 2**26
    source = torch.rand(numbers, device=device)
    target = torch.empty_like(source)
    return 2 * source.numel() * source.element_size() / _best(lambda: target.copy_(source), device)


def _best(work: Callable[[], object], device: torch.device) -> float:
    return min(seconds_of(work, device) for _ in range(_REPEATS))


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
