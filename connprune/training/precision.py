"""The precision of the arithmetic."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["float32", "tf32", "bfloat16"]

# Whose float32 products may be rounded, each by a setting of the whole process, and what each setting inherits from:
# what is set of cuDNN holds for all of CUDA.
_ROUNDED: tuple[tuple[Any, ...], ...] = (
    (torch.backends.cuda.matmul, torch.backends.cudnn, torch.backends),
    (torch.backends.cudnn.conv, torch.backends.cudnn, torch.backends),  # type: ignore[attr-defined]
    (torch.backends.cudnn.rnn, torch.backends.cudnn, torch.backends),
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
    before = [_own(*settings) for settings in _ROUNDED]
    try:
        for setting, *_ in _ROUNDED:
            setting.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        for (setting, *_), kept in zip(_ROUNDED, before, strict=True):
            setting.fp32_precision = kept


def _own(setting: Any, *above: Any) -> str:
    """What a setting was set to, `none` where it was not and follows those above it; reading it gives what acts."""
    if not above:
        return str(setting.fp32_precision)
    parent, *further = above
    kept, acts = _own(parent, *further), str(setting.fp32_precision)
    if parent.fp32_precision == "none":  # Then torch may have a default of its own here, which must not be lost.
        return acts
    parent.fp32_precision = "ieee" if acts == "tf32" else "tf32"
    follows = setting.fp32_precision != acts
    parent.fp32_precision = kept
    return "none" if follows else acts


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
