"""The builder: any architecture, full or cut, becomes one torch module."""

from contextlib import nullcontext
from typing import cast

import torch
from torch import Tensor, nn

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import HEAD, INPUT
from connprune.network.feature_maps import FeatureMaps
from connprune.network.gates import GateVector
from connprune.network.head import Head
from connprune.network.layers import make
from connprune.network.merge import Merging, Sources, last_readers


class Network(nn.Module):
    """The network of an architecture.

    It takes raw images and normalises them itself, so that a saved network is complete.

    Args:
        architecture: what to build.

    Attributes:
        gates: the gates, or None.
        mean: subtracted from the images, broadcast over (feature maps, height, width).
        divisor: the images are divided by it, ().
    """

    mean: Tensor
    divisor: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        given = architecture.input
        self.register_buffer("mean", torch.zeros(given.feature_maps, given.height, given.width))
        self.register_buffer("divisor", torch.ones(()))
        settings = architecture.gates
        self.gates = GateVector(architecture, settings) if settings and architecture.gated_connections else None
        for target in architecture.connections:
            self.add_module(f"merge_{target}", Merging(architecture, target))
        for layer in architecture.layers:
            module = make(layer, architecture.shapes.merged[layer.name])
            self.add_module(_attribute(layer.name), module)
        self.head = Head(architecture)
        self._last_readers = last_readers(architecture.connections)
        self._remakes = False

    def forward(self, images: Tensor, gates: Tensor | None = None) -> Tensor:
        """Class scores, (batch, classes).

        Args:
            images: (batch, feature maps, height, width), pixel values from 0 to 255, uint8 or floating-point.
            gates: values to use in place of the network's own gates, (gates,).
        """
        scores: Tensor = self.head(self.last_merge((images - self.mean) / self.divisor, gates))
        return scores

    def remake_merges(self, remake: bool) -> None:
        """Whether training makes concatenations again in the backward pass instead of keeping them: less memory."""
        self._remakes = remake

    def last_merge(self, normalised: Tensor, gates: Tensor | None = None) -> FeatureMaps:
        """What the head reads.

        Args:
            normalised: (batch, feature maps, height, width).
            gates: values to use in place of the network's own gates, (gates,).
        """
        architecture = self.architecture
        sources = Sources()
        first = laid_out(in_precision(normalised))
        sources.maps[INPUT] = FeatureMaps(first)
        by_target = self.gates(gates, first.dtype) if self.gates else {}
        positive = self.gates is None or self.gates.are_positive
        for target in architecture.connections:
            merging = cast("Merging", self.get_submodule(f"merge_{target}"))
            inputs = merging.inputs(sources)
            brought = [sources.joined(inputs)] if merging.merge.stacks else inputs
            merged: FeatureMaps = merging(brought, by_target.get(target), positive)
            if target == HEAD:
                return merged
            sources.forget(self._last_readers[target])
            with merging.reading(merged, inputs) if self._remakes else nullcontext():
                sources.maps[target] = self.get_submodule(_attribute(target))(merged)
        raise AssertionError("an architecture ends with its head")


def build(architecture: Architecture) -> Network:
    """The network of an architecture, with fresh weights from torch's default generator.

    Weights are Glorot-uniform (Glorot, Bengio 2010), as in the post's library; biases are zero.
    """
    return Network(architecture)


def in_precision(images: Tensor) -> Tensor:
    """Images in the type that autocast computes in, where it is on: whatever is merged with them keeps that type."""
    kind = images.device.type
    return images.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else images


def laid_out(images: Tensor) -> Tensor:
    """Images in the memory layout that is fastest on their device; all that is computed from them follows.

    On a CPU torch resizes feature maps whose channels come last about twenty times as fast as others, which it first
    copies to that layout and then back (docs/decisions/channels-last-on-a-cpu.md).
    """
    return images.contiguous(memory_format=torch.channels_last) if images.device.type == "cpu" else images


def _attribute(layer: str) -> str:
    # A prefix keeps a layer called "gates" or "forward" away from the module's own attributes.
    return f"layer_{layer}"
