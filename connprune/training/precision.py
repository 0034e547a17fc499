"""The precision of the arithmetic."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["float32", "tf32", "bfloat16"]


def computing_in(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """In here, matrix products, convolutions and recurrent layers compute in this precision; weights stay in float32.

    Args:
        precision: `float32`; `tf32`, float32 with products rounded to 10 bits on GPUs that can; `bfloat16`, activations
            and products of 8 bits.
        device: where.
    """
    if device.type == "cuda":
        products = "tf32" if precision == "tf32" else "ieee"
        torch.backends.cuda.matmul.fp32_precision = products
        torch.backends.cudnn.conv.fp32_precision = products  # type: ignore[attr-defined]
        torch.backends.cudnn.rnn.fp32_precision = products  # type: ignore[attr-defined]
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
