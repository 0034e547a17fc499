"""How long forward passes take, measured in turns so that a busy moment of the machine hits all networks alike."""

import time
from collections.abc import Mapping
from statistics import median

import torch

from connprune.architecture.architecture import Architecture
from connprune.network.network import Network, build

BATCHES = (1, 256)
ROUNDS = 7


def latencies(architectures: Mapping[str, Architecture], device: torch.device) -> dict[str, dict[str, float]]:
    """For each network and each batch size of `BATCHES` the median seconds of a forward pass, with fresh weights."""
    networks = {name: build(architecture).eval().to(device) for name, architecture in architectures.items()}
    found: dict[str, dict[str, float]] = {name: {} for name in networks}
    for batch in BATCHES:
        taken: dict[str, list[float]] = {name: [] for name in networks}
        # One round more, since the first one warms up.
        for _ in range(ROUNDS + 1):
            for name, network in networks.items():
                taken[name].append(_seconds(network, batch, device))
        for name, seconds in taken.items():
            found[name][str(batch)] = median(seconds[1:])
    return found


@torch.no_grad()
def _seconds(network: Network, batch: int, device: torch.device) -> float:
    given = network.architecture.input
    images = torch.zeros(batch, given.feature_maps, given.height, given.width, dtype=torch.uint8, device=device)
    _wait(device)
    started = time.perf_counter()
    network(images)
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
