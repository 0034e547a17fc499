"""The builder: any architecture, full or cut, becomes one torch module."""

from contextlib import nullcontext
from typing import cast

import torch
from torch import Tensor, nn

from connprune.architecture import summaries
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.unrolling import last_readers
from connprune.arguments import require
from connprune.errors import ArgumentError
from connprune.mistakes import Mistake
from connprune.network.feature_maps import FeatureMaps
from connprune.network.gates import GateVector
from connprune.network.head import Head
from connprune.network.layers import LayerModule, make
from connprune.network.merge import Merging, Resizes, Sources
from connprune.network.passed_gates import PassedGates


class Network(nn.Module):
    """The network of an architecture.

    It takes raw images and normalises them itself, so that a saved network is complete.

    Args:
        architecture: what to build.

    Attributes:
        gates: the gates, or None.
        mean: subtracted from the images, broadcast over (feature maps, height, width).
        divisor: the images are divided by it, () or (feature maps, 1, 1).
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
        self.resizes = Resizes(architecture)
        self._positive = self.gates is None or self.gates.are_positive
        passing = self._layers_that_pass_gates()
        self.passed = PassedGates(architecture, self.gates, passing) if self.gates else None
        self._last_readers = last_readers(architecture.schedule, architecture.connections)
        backward = {source for source, _ in architecture.backward_connections}
        self._zero_at_first = [layer.name for layer in architecture.layers if layer.name in backward]
        self._recomputes = False

    def forward(self, images: Tensor, gates: Tensor | None = None) -> Tensor:
        """Class scores, (batch, classes).

        Args:
            images: (batch, feature maps, height, width), the values that it was trained on, uint8 or floating-point:
                pixel values from 0 to 255, or those of an array.
            gates: values to use in place of the network's own gates, (gates,); below 0 only in a network with linear
                gates, since a maximum passes gates of the other kinds on as what cannot change its sign.

        Raises:
            ArgumentError: one of them has another shape.
        """
        # Not where a graph is made of this: it would check each batch again, or take one of its size alone.
        if not torch.compiler.is_compiling():
            self._require_shapes(images, gates)
        scores: Tensor = self.head(self.last_merge((images - self.mean) / self.divisor, gates))
        return scores

    def _require_shapes(self, images: Tensor, gates: Tensor | None) -> None:
        if images.shape[1:] != self.mean.shape:
            expected = f"the shape (batch, {', '.join(map(str, self.mean.shape))})"
            raise ArgumentError(Mistake(key="images", found=str(tuple(images.shape)), expected=expected))
        count = 0 if self.gates is None else len(self.gates.weight)
        if gates is not None and gates.shape != (count,):
            found, expected = str(tuple(gates.shape)), f"the shape ({count},)"
            raise ArgumentError(Mistake(key="gates", found=found, expected=expected))

    def normalise(self, mean: Tensor, divisor: Tensor) -> None:
        """Sets what is subtracted from images, and what they are then divided by.

        Args:
            mean: (feature maps, height, width).
            divisor: () or (feature maps, 1, 1).
        """
        self.mean.copy_(mean)
        self.divisor = divisor.to(self.divisor)

    @property
    def divisor_shapes(self) -> tuple[tuple[int, ...], ...]:
        """One number for all, or one a channel."""
        return (), (len(self.mean), 1, 1)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *others: object) -> None:
        stated = state_dict.get(f"{prefix}divisor")
        if stated is not None and tuple(stated.shape) in self.divisor_shapes:
            self.divisor = torch.ones_like(stated, device=self.divisor.device)
        super()._load_from_state_dict(state_dict, prefix, *others)

    @property
    def gates_are_positive(self) -> bool:
        """Whether no gate can be negative; so it is where there are none."""
        return self._positive

    def merging(self, target: str) -> Merging:
        """The merge of a target."""
        return cast("Merging", self.get_submodule(f"merge_{target}"))

    def reader(self, target: str) -> LayerModule | Head:
        """What reads the merge of a target: the layer, or the head."""
        return self.head if target == HEAD else self._layer(target)

    def _layer(self, name: str) -> LayerModule:
        return cast("LayerModule", self.get_submodule(_attribute(name)))

    def _layers_that_pass_gates(self) -> set[str]:
        merges = map(self.architecture.merge_of, self.architecture.connections)
        # A maximum of what is resized is not that of the products where a gate is negative.
        if not self._positive and any(merge.interpolation == "max-pool" for merge in merges):
            return set()
        # What is read in the next pass would bring gates back to where they act already, and once more with each pass.
        later = {source for source, _ in self.architecture.backward_connections}
        names = [layer.name for layer in self.architecture.layers if layer.name not in later]
        return {name for name in names if self._layer(name).passes_gates(self._positive)}

    def __repr__(self) -> str:
        names = ["gates"] if self.gates is not None else []
        for target in self.architecture.connections:
            names += [f"merge_{target}", HEAD if target == HEAD else _attribute(target)]
        parts = [f"  ({name}): {self.get_submodule(name)}" for name in names]
        return "\n".join([f"{type(self).__name__}(", f"  {summaries.of_network(self.architecture)}", *parts, ")"])

    def recompute_merges(self, recompute: bool) -> None:
        """Whether training makes concatenations again in the backward pass instead of keeping them: less memory."""
        self._recomputes = recompute

    def last_merge(self, normalised: Tensor, gates: Tensor | None = None) -> FeatureMaps:
        """What the head reads.

        Args:
            normalised: (batch, feature maps, height, width).
            gates: values to use in place of the network's own gates, (gates,).
        """
        architecture = self.architecture
        sources = Sources(self.resizes)
        first = laid_out(in_precision(normalised))
        sources.give(INPUT, first)
        for name in self._zero_at_first:
            maps, *size = architecture.shapes.output[name]
            sources.give(name, laid_out(first.new_zeros(first.shape[0], maps, *size)))
        by_target: dict[str, Tensor] = {}
        if self.gates is not None and self.passed is not None:
            by_target = self.passed(self.gates.of_this_pass() if gates is None else gates, first.dtype)
        for target, unread in zip(architecture.schedule, self._last_readers, strict=True):
            merging = self.merging(target)
            inputs = merging.inputs(sources)
            brought = [sources.joined(inputs)] if merging.stacks else inputs
            merged: FeatureMaps = merging(brought, by_target.get(target), self._positive)
            if target == HEAD:
                return merged
            sources.forget(unread)
            with merging.reading(merged, inputs) if self._recomputes else nullcontext():
                made: FeatureMaps = self._layer(target)(merged)
            sources.give(target, made.gated())
        raise AssertionError("an architecture ends with its head")


def build(architecture: Architecture) -> Network:
    """The network of an architecture, with fresh weights from torch's default generator.

    Weights are Glorot-uniform (Glorot, Bengio 2010), as in the post's library, and biases zero; recurrent layers have
    those of torch.

    Raises:
        ArgumentError: it is no architecture.
    """
    require("architecture", architecture, Architecture, "an Architecture")
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
