"""What grew is a network as any other: it takes a training step, and its ONNX file computes what it does."""

from pathlib import Path

import pytest
import torch

from connprune.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.architecture.cutting import cut_connections
from connprune.architecture.growing import grown
from connprune.architecture.growth import Growth
from connprune.architecture.growth_budget import Most, balanced
from connprune.architecture.rules import Keep, Unit
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.network import Network
from tests.export.test_graphs import assert_onnx_agrees


def grown_cut(parent: Architecture, macs: int) -> Architecture:
    """A cut of a parent as a network for ImageNet."""
    scores: dict[Unit, float] = {
        connection: (7 * number) % 11 for number, connection in enumerate(parent.all_connections)
    }
    block = cut_connections(parent.without_gates(), scores, Keep(20))
    growth = balanced(block, Growth.of(Shape(3, 224, 224), 1000, None, None), Most(macs=macs))
    assert growth.sizes == ((56, 56), (28, 28), (14, 14), (7, 7))
    architecture = grown(block, growth)
    assert 0.8 * macs < mac_count(architecture) <= macs
    return architecture


def test_a_training_step(digits: Architecture) -> None:
    architecture = grown_cut(digits, 12_000_000)
    torch.manual_seed(0)
    network = Network(architecture)
    assert sum(weight.numel() for weight in network.parameters()) == parameter_count(architecture)
    images, labels = torch.randn(2, 3, 224, 224), torch.tensor([3, 997])
    before = torch.nn.functional.cross_entropy(network(images), labels)
    before.backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())
    torch.optim.SGD(network.parameters(), 1e-3).step()
    assert torch.nn.functional.cross_entropy(network(images), labels) != before


@pytest.mark.slow
def test_onnx(digits: Architecture, tmp_path: Path) -> None:
    assert_onnx_agrees(Network(grown_cut(digits, 30_000_000)).eval(), tmp_path / "network.onnx")
