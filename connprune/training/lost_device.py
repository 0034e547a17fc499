"""A GPU that failed: CUDA then answers every later call of the process with the same error."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from connprune.errors import LostDeviceError, lacks_memory


@contextmanager
def explained_loss(device: torch.device) -> Iterator[None]:
    """Says so, if what goes wrong in here has made the device useless to this process.

    Raises:
        LostDeviceError: it has.
    """
    try:
        yield
    except RuntimeError as error:
        if lacks_memory(error) or is_usable(device):
            raise
        raise LostDeviceError(
            f"The GPU {device} failed ({_first_line(error)}), and this process can compute nothing on it any more; a "
            "new one can go on from the last checkpoint."
        ) from error


def is_usable(device: torch.device) -> bool:
    """Whether a device still computes for this process."""
    if device.type != "cuda":
        return True
    try:
        torch.cuda.synchronize(device)
        torch.zeros(1, device=device)
        torch.cuda.synchronize(device)
    except RuntimeError as error:
        return lacks_memory(error)
    return True


def _first_line(error: RuntimeError) -> str:
    return str(error).partition("\n")[0].rstrip(".")
