"""What the plain data count is what torch counts."""

import torch
from hypothesis import given
from torch.utils.flop_counter import FlopCounterMode

from connprune import build
from connprune.architecture import Architecture
from connprune.architecture.shapes import mac_count, parameter_count
from tests.strategies import architectures


@given(architectures())
def test_parameters_and_macs(architecture: Architecture) -> None:
    network = build(architecture).eval()
    assert parameter_count(architecture) == sum(parameter.numel() for parameter in network.parameters())
    shape = architecture.input
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, shape.feature_maps, shape.height, shape.width))
    assert counter.get_total_flops() == 2 * mac_count(architecture)
