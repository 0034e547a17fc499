"""What a user can do when the memory is too small."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from connprune.architecture.architecture import Architecture
from connprune.architecture.shapes import parameter_count
from connprune.errors import NoMemoryError

_BYTES = 4
# Weights, gradients, and Adam's two moments.
_COPIES = 4


@contextmanager
def explained_memory(architecture: Architecture, batch_size: int) -> Iterator[None]:
    """Says which sizes matter, if the memory does not suffice for what is done in here.

    Raises:
        NoMemoryError: it does not.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # On a CPU torch raises a plain RuntimeError.
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise NoMemoryError(_advice(architecture, batch_size)) from error
        raise


def _advice(architecture: Architecture, batch_size: int) -> str:
    shapes, parameters = architecture.shapes, parameter_count(architecture)
    numbers = sum(shape.numel for shape in (*shapes.output.values(), *shapes.merged.values()))
    return (
        f"There is not enough memory: training takes about {_size(_COPIES * parameters)} for the {parameters:,} "
        f"parameters and {_size(batch_size * numbers)} for a batch of {batch_size}. Lower training.batch_size, or try "
        "--set training.recompute=true or --set training.precision=bfloat16."
    )


def _size(numbers: int) -> str:
    return f"{_BYTES * numbers / 2**20:,.0f} MiB"
