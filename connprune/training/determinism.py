"""Training on CUDA that gives the same bits each time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import deterministic

from connprune.errors import UsageError

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
# With either cuBLAS adds up in a fixed order; the first is the faster one.
_FIXED = (":4096:8", ":16:8")
_TENSORS: Any = deterministic
# What torch says of an operation that adds up in no fixed order.
_LACKING = "does not have a deterministic implementation"


def prepare_products() -> None:
    """Lets cuBLAS add up in a fixed order; it only heeds that before the process computes on CUDA.

    It is memory that it works in, as much as torch gives it on recent GPUs anyway. What the user has set stays.
    """
    os.environ.setdefault(_WORKSPACE, _FIXED[0])


@contextmanager
def in_fixed_order() -> Iterator[None]:
    """In here, operations on CUDA add up in the same order each time; afterwards as before.

    Raises:
        UsageError: one of them cannot, or cuBLAS has been told not to.
    """
    workspace = os.environ.get(_WORKSPACE, "")
    if workspace not in _FIXED:
        raise UsageError(f"training.deterministic: found {_WORKSPACE}={workspace}, expected {' or '.join(_FIXED)}.")
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark, _TENSORS.fill_uninitialized_memory
    mode = torch.get_deterministic_debug_mode()
    cudnn.deterministic, cudnn.benchmark = True, False
    # That would be a launch for each new tensor, all of which are written before they are read.
    _TENSORS.fill_uninitialized_memory = False
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        name, lacks, _ = str(error).partition(f" {_LACKING}")
        if not lacks:
            raise
        raise UsageError(
            f"training.deterministic: {name} of torch {torch.__version__} adds up in no fixed order on CUDA; train "
            "without it or on a CPU, or with another layer or merge.interpolation."
        ) from error
    finally:
        torch.set_deterministic_debug_mode(mode)
        cudnn.deterministic, cudnn.benchmark, _TENSORS.fill_uninitialized_memory = before
