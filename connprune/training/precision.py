"""The precision of the arithmetic."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["float32", "tf32", "bfloat16"]

# Whose float32 products may be rounded, each by a setting of the whole process.
_ROUNDED: tuple[Any, ...] = (
    torch.backends.cuda.matmul,
    torch.backends.cudnn.conv,  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn,
)


def precision_on(device: torch.device, asked: Precision | Literal["auto"]) -> Precision:
    """What a device computes in when it is asked for a precision: `auto` and `tf32` are TF32 where it can round so.

    Args:
        device: which; a CUDA device is asked for what it can.
        asked: `training.precision`.
    """
    if asked in ("float32", "bfloat16"):
        return asked
    if device.type != "cuda":
        return "float32"
    with torch.cuda.device(device):
        return "tf32" if torch.cuda.is_tf32_supported() else "float32"


@contextmanager
def products_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """In here, float32 products, forward and backward, are rounded as the precision says; afterwards as before.

    Args:
        precision: as for `computing_in`; `bfloat16` leaves the products that stay in float32 exact.
        device: where.
    """
    if device.type != "cuda":
        yield
        return
    before = [setting.fp32_precision for setting in _ROUNDED]
    try:
        for setting in _ROUNDED:
            setting.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        for setting, kept in zip(_ROUNDED, before, strict=True):
            setting.fp32_precision = kept


@contextmanager
def computing_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """In here, matrix products, convolutions and recurrent layers compute in this precision; weights stay in float32.

    A backward pass belongs into `products_in` alone: it takes its types from the forward pass.

    Args:
        precision: `float32`; `tf32`, float32 with products rounded to 10 bits on GPUs that can; `bfloat16`, activations
            and products of 8 bits.
        device: where.
    """
    rounded = torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
    with products_in(precision, device), rounded:
        yield
