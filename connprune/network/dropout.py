"""Dropout (Srivastava et al. 2014), with a mask that is cheap to draw on a CPU."""

import torch
from torch import Tensor
from torch.nn import functional as F

# A CPU draws 64 random bits at once; each activation takes 16 of them, where torch's own mask takes a draw for each.
_LEVELS = 2**16


def dropout(values: Tensor, rate: float, training: bool) -> Tensor:
    """Sets activations to zero at random in training, and scales the rest so that the expectation stays.

    Args:
        values: of any shape.
        rate: the share that is set to zero, from 0 to below 1; on a CPU rounded to a multiple of 2⁻¹⁶.
        training: in evaluation nothing changes.
    """
    if not training or rate == 0 or values.device.type != "cpu":
        return F.dropout(values, rate, training)
    dropped = min(round(rate * _LEVELS), _LEVELS - 1)
    kept = (_random_levels(values) >= dropped - _LEVELS // 2).to(values.dtype)
    return values * kept.mul_(_LEVELS / (_LEVELS - dropped))


def _random_levels(like: Tensor) -> Tensor:
    """Numbers from -2¹⁵ to 2¹⁵ - 1, all as likely, in the shape and the memory layout of another tensor."""
    count = like.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    levels = bits.view(torch.int16)[:count]
    if like.dim() == 4 and not like.is_contiguous() and like.is_contiguous(memory_format=torch.channels_last):
        batch, maps, height, width = like.shape
        return levels.view(batch, height, width, maps).permute(0, 3, 1, 2)
    return levels.view(like.shape)
