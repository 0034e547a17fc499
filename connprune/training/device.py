"""Chooses the device to compute on."""

import re

import torch

from connprune.errors import UsageError


def require_device_name(name: str) -> None:
    """Raises UsageError for what is no device's name, here or on another machine."""
    if not re.fullmatch("auto|cpu|mps|cuda(:[0-9]{1,4})?", name):
        raise UsageError(f"--device: found {name[:60]!r}, expected auto, cpu, cuda, cuda:N or mps.")


def find_device(name: str) -> torch.device:
    """The device of a name: `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:N` or `mps`.

    It is only looked for. A process that computes on it calls `choose_device`; one that waits for others must not take
    its memory.

    Raises:
        UsageError: the name is none of these, or there is no such device here.
    """
    require_device_name(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "mps" and not torch.backends.mps.is_available():
        raise UsageError("--device mps: there is no Apple GPU here; use --device cpu.")
    if name.startswith("cuda"):
        number = int(name.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise UsageError(f"--device {name}: there are {torch.cuda.device_count()} CUDA devices here; use cpu.")
        return torch.device("cuda", number)
    return torch.device(name)


def choose_device(name: str) -> torch.device:
    """The device of a name as `find_device` finds it, made the one that this process computes on."""
    device = find_device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def device_name(device: torch.device) -> str:
    """What a device is called by its maker, where torch knows it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
