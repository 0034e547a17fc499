"""The clock of latencies and benchmarks: whatever is compared takes turns."""

import time
from collections.abc import Callable, Mapping
from random import Random
from statistics import median

import torch

Step = Callable[[], object]


def in_turns(steps: Mapping[str, Step], device: torch.device, rounds: int, warm_up: int) -> dict[str, float]:
    """The median seconds of each, see `seconds_in_turns`."""
    taken = seconds_in_turns(steps, device, rounds, warm_up)
    return {name: median(seconds) for name, seconds in taken.items()}


def seconds_in_turns(
    steps: Mapping[str, Step], device: torch.device, rounds: int, warm_up: int
) -> dict[str, list[float]]:
    """The seconds of each in each round; all take turns, so that a busy moment of the machine hits all alike.

    Each round has another order: what comes before leaves its data in the caches, and that must hit all alike too.

    Args:
        steps: what is timed.
        device: where it works.
        rounds: how many of each are counted.
        warm_up: how many of each come before and are not.
    """
    taken: dict[str, list[float]] = {name: [] for name in steps}
    random = Random(0)  # noqa: S311 - nothing here is secret
    for _ in range(warm_up + rounds):
        for name in random.sample(list(steps), len(steps)):
            taken[name].append(seconds_of(steps[name], device))
    return {name: seconds[warm_up:] for name, seconds in taken.items()}


def seconds_of(step: Step, device: torch.device) -> float:
    """How long one call takes, until the device has done it."""
    wait(device)
    started = time.perf_counter()
    step()
    wait(device)
    return time.perf_counter() - started


def wait(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
