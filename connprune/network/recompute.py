"""Concatenations that are recomputed in the backward pass instead of being kept (Pleiss et al. 2017).

Layer j of a network whose layers read all earlier ones reads j inputs, so keeping what each reads takes memory that
grows with the square of the number of layers. The inputs themselves are kept anyway, and putting them together again is
one copy.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks


def recomputed(whole: Tensor, parts: Sequence[Tensor]) -> AbstractContextManager[Any]:
    """In here, autograd keeps `parts` where it would keep `whole`.

    Args:
        whole: `torch.cat(parts, dim=1)`, or a view of it of as many numbers.
        parts: (batch, maps, …) each.
    """
    # Not `whole` itself: autograd keeps these functions, and what they mention, until the backward pass.
    address, count, is_plain, layout = whole.data_ptr(), whole.numel(), whole.is_contiguous(), _layout(whole)

    def is_whole(tensor: Tensor) -> bool:
        if tensor.data_ptr() != address or tensor.numel() != count:
            return False
        return _layout(tensor) == layout or (is_plain and tensor.is_contiguous())

    def pack(tensor: Tensor) -> Any:
        return (tensor.shape, tuple(part.detach() for part in parts)) if is_whole(tensor) else tensor

    def unpack(kept: Any) -> Tensor:
        if isinstance(kept, Tensor):
            return kept
        shape, kept_parts = kept
        return torch.cat(kept_parts, dim=1).reshape(shape)

    return saved_tensors_hooks(pack, unpack)


def _layout(tensor: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(tensor.shape), tensor.stride()
