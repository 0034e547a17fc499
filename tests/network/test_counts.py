"""What the plain data count is what torch counts."""

import torch
from hypothesis import given
from torch.utils.flop_counter import FlopCounterMode

from connprune import build
from connprune.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.architecture.sequence_layers import GRU, LSTM
from connprune.architecture.shapes import mac_count, parameter_count
from tests.strategies import architectures


@given(architectures(most_passes=3))
def test_parameters_and_macs(architecture: Architecture) -> None:
    network = build(architecture).eval()
    assert parameter_count(architecture) == sum(parameter.numel() for parameter in network.parameters())
    if any(layer.kind in ("lstm", "gru") for layer in architecture.layers):
        return  # torch counts no operations inside its recurrent layers; test_recurrent_layers_by_hand does
    shape = architecture.input
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, shape.feature_maps, shape.height, shape.width))
    assert counter.get_total_flops() == 2 * mac_count(architecture)


def test_recurrent_layers_by_hand() -> None:
    merged = Shape(3, 1, 7)
    assert LSTM(kind="lstm", feature_maps=5).macs(merged) == 7 * (4 * 5 * 3 + 4 * 5 * 5)
    assert GRU(kind="gru", feature_maps=5).macs(merged) == 7 * (3 * 5 * 3 + 3 * 5 * 5)
