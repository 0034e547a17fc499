"""Chooses the device to compute on."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from connprune.errors import ArgumentError
from connprune.mistakes import Mistake
from connprune.training.determinism import prepare_products


def require_device_name(name: str) -> None:
    """Raises UsageError for what is no device's name, here or on another machine."""
    if not re.fullmatch("auto|cpu|mps|cuda(:[0-9]{1,4})?", name):
        raise _unusable(repr(name[:60]), expected="auto, cpu, cuda, cuda:N or mps")


def _unusable(found: str, problem: str = "", expected: str | None = None, hint: str | None = None) -> ArgumentError:
    return ArgumentError(Mistake(problem, "device", found, expected, hint))


def find_device(name: str) -> torch.device:
    """The device of a name: `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:N` or `mps`.

    It is only looked for. A process that computes on it calls `choose_device`; one that waits for others must not take
    its memory.

    Raises:
        UsageError: the name is none of these, or there is no such device here.
    """
    return _found(name)[0]


def _found(name: str) -> tuple[torch.device, str]:
    """The device, and what keeps CUDA devices from being used; CUDA is asked once."""
    require_device_name(name)
    count, trouble = cuda_devices()
    if name == "auto":
        name = "cuda" if count else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "mps" and not torch.backends.mps.is_available():
        raise _unusable("mps", "there is no Apple GPU here", hint="use cpu")
    if name.startswith("cuda"):
        number = int(name.partition(":")[2] or 0)
        if number >= count:
            raise _unusable(name, trouble or f"there are {count} CUDA devices here", hint="use cpu")
        return torch.device("cuda", number), trouble
    return torch.device(name), trouble


def choose_device(name: str, warn: Callable[[str], None]) -> torch.device:
    """The device of a name as `find_device` finds it, made the one that this process computes on.

    Args:
        name: as for `find_device`.
        warn: is told in a sentence why `auto` does not take a GPU that is there.
    """
    device, trouble = _found(name)
    if name == "auto" and trouble:
        warn(f"device auto: {trouble}; {device} is used")
    if device.type == "cuda":
        prepare_products()
        torch.cuda.set_device(device)
    return device


def device_name(device: torch.device) -> str:
    """What a device is called by its maker, where torch knows it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


# What torch has said of CUDA here: it says it once in a process.
_troubles: list[str] = []


def cuda_devices() -> tuple[int, str]:
    """How many CUDA devices there are, and what keeps them from being used, if there may be some; else empty."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    _troubles.extend(_trouble(str(warning.message)) for warning in told)
    return count, _troubles[0] if _troubles and not count else ""


def _trouble(text: str) -> str:
    """Torch's warning in our words."""
    old = re.search(r"too old \(found version (\d+)", text)
    if old is None:
        reason = text.partition("\n")[0].removeprefix("CUDA initialization: ").rstrip(".")
        return f"CUDA cannot be used here ({reason})"
    version = int(old[1])
    return (
        f"the NVIDIA driver{_driver()} knows CUDA up to {version // 1000}.{version % 1000 // 10}, but this torch is "
        f"built for CUDA {torch.version.cuda}: update the driver, or install a torch that is built for an older CUDA"
    )


def _driver() -> str:
    """The driver's own version, after a blank, as Linux tells it; empty where it does not."""
    try:
        found = re.search(r"\s\d+\.\d+[.\d]*\s", Path("/proc/driver/nvidia/version").read_text())
    except OSError:
        return ""
    return f" {found[0].strip()}" if found else ""
