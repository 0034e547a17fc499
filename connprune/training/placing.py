"""Where images are while a network is trained on them: in the memory of the device, unless they would fill it."""

from collections.abc import Callable
from typing import Literal

import torch

from connprune.data.splits import Splits
from connprune.training.device import device_name

# What images may take of a device's memory; the rest is for what the network makes of them.
SHARE = 0.5


def placed(
    splits: Splits,
    device: torch.device,
    where: Literal["auto", "device", "host"],
    say: Callable[[str], None] = lambda text: None,
    memory: int | None = None,
) -> Splits:
    """The images where batches are made of them, all on the device or all in the host's memory.

    Args:
        splits: the images.
        device: that computes.
        where: `training.images`; `auto` keeps those in the host's memory that would take more than half of a GPU's.
        say: is told in a sentence that `auto` does so.
        memory: of the device, in bytes; None asks it.
    """
    if memory is None and device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
    is_large = where == "auto" and memory is not None and splits.nbytes > SHARE * memory
    if is_large and memory is not None:
        say(
            f"the images take {splits.nbytes / 2**30:.1f} GiB, more than half of the {memory / 2**30:.1f} GiB of "
            f"{device_name(device)}: they stay in the host's memory, and batches are copied ahead (training.images)"
        )
    return splits.supplied_to(device) if is_large or where == "host" else splits.to(device)
