"""How long forward passes take."""

from collections.abc import Mapping

import torch
from torch import Tensor

from connprune.architecture.architecture import Architecture
from connprune.network.network import Network, build
from connprune.training.timing import Step, in_turns

BATCHES = (1, 256)
ROUNDS = 7
# One network alone is timed more often, since nothing that takes turns with it shows what the machine does besides.
ROUNDS_ALONE = 21


def latencies(architectures: Mapping[str, Architecture], device: torch.device) -> dict[str, dict[str, float]]:
    """For each network and each batch size of `BATCHES` the median seconds of a forward pass, with fresh weights."""
    networks = {name: build(architecture).eval().to(device) for name, architecture in architectures.items()}
    by_network: dict[str, dict[str, float]] = {name: {} for name in networks}
    for batch in BATCHES:
        passes = {name: forward_pass(network, batch, device) for name, network in networks.items()}
        for name, seconds in in_turns(passes, device, ROUNDS, warm_up=1).items():
            by_network[name][str(batch)] = seconds
    return by_network


def seconds_alone(architecture: Architecture, batch: int, device: torch.device) -> float:
    """The median seconds of a forward pass, with fresh weights."""
    timed = {"": forward_pass(build(architecture).eval().to(device), batch, device)}
    return in_turns(timed, device, ROUNDS_ALONE, warm_up=3)[""]


def seconds_of_both(before: Architecture, after: Architecture, batch: int, device: torch.device) -> tuple[float, float]:
    """The median seconds of a forward pass of two networks in turns, with fresh weights."""
    passes = {
        name: forward_pass(build(each).eval().to(device), batch, device)
        for name, each in (("before", before), ("after", after))
    }
    seconds = in_turns(passes, device, ROUNDS_ALONE, warm_up=3)
    return seconds["before"], seconds["after"]


def forward_pass(network: Network, batch: int, device: torch.device, gates: Tensor | None = None) -> Step:
    """A forward pass of black images.

    Args:
        network: in evaluation mode, on the device.
        batch: how many images.
        device: where.
        gates: values to use in place of the network's own gates, (gates,).
    """
    given = network.architecture.input
    images = torch.zeros(batch, given.feature_maps, given.height, given.width, dtype=torch.uint8, device=device)

    def step() -> None:
        with torch.no_grad():
            network(images, gates)

    return step
