"""The torch side of each layer: a module that reads gated feature maps and gives feature maps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import layers as plain
from connprune.architecture.base import Shape
from connprune.network.feature_maps import FeatureMaps, folded

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "none": lambda values: values}


class Convolution(nn.Module):
    """A 2-D convolution, with the gates of its inputs folded in, and its activation."""

    def __init__(self, layer: plain.Convolution, merged: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(layer.feature_maps, merged.feature_maps, layer.kernel, layer.kernel))
        self.bias = nn.Parameter(torch.zeros(layer.feature_maps)) if layer.bias else None
        nn.init.xavier_uniform_(self.weight)
        self.padding = (layer.kernel - 1) // 2 if layer.padding == "same" else 0
        # An even kernel needs one more row and column at the end than at the beginning.
        self.uneven = layer.padding == "same" and layer.kernel % 2 == 0
        self.activation = ACTIVATIONS[layer.activation]

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        values, weight = folded(maps.values, maps.gates, self.weight)
        values = F.pad(values, (0, 1, 0, 1)) if self.uneven else values
        return FeatureMaps(self.activation(F.conv2d(values, weight, self.bias, padding=self.padding)))


class MaxPooling(nn.Module):
    """Max-pooling; it goes before gates that cannot be negative, and after others."""

    def __init__(self, layer: plain.MaxPooling, merged: Shape) -> None:
        super().__init__()
        self.size = layer.size

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        if maps.gates_are_positive:
            return maps._replace(values=F.max_pool2d(maps.values, self.size))
        return FeatureMaps(F.max_pool2d(maps.gated(), self.size))


class Dropout(nn.Module):
    """Dropout of single activations, before their gates."""

    def __init__(self, layer: plain.Dropout, merged: Shape) -> None:
        super().__init__()
        self.rate = layer.rate

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps._replace(values=F.dropout(maps.values, self.rate, self.training))


# The name of the weights that read each kind of layer's merge, its feature maps in dimension 1; None if it has none.
READING_WEIGHTS: dict[type[plain.Layer], str | None] = {
    plain.Convolution: "weight",
    plain.MaxPooling: None,
    plain.Dropout: None,
}

State = dict[str, Tensor]


def _unchanged(layer: plain.Layer, state: State, outputs: Tensor, inputs: Tensor) -> State:
    return state


def _narrowed_convolution(layer: plain.Convolution, state: State, outputs: Tensor, inputs: Tensor) -> State:
    weight = state["weight"].index_select(0, outputs).index_select(1, inputs)
    return {name: weight if name == "weight" else tensor.index_select(0, outputs) for name, tensor in state.items()}


# How the weights of each kind of layer follow a cut: called with the parent's layer and its state, and the numbers of
# the feature maps that it still gives and still reads.
NARROWED: dict[type[plain.Layer], Callable[[Any, State, Tensor, Tensor], State]] = {
    plain.Convolution: _narrowed_convolution,
    plain.MaxPooling: _unchanged,
    plain.Dropout: _unchanged,
}

# The module for each kind of layer: called with the layer and the shape that it reads.
MODULES: dict[type[plain.Layer], Callable[[Any, Shape], nn.Module]] = {
    plain.Convolution: Convolution,
    plain.MaxPooling: MaxPooling,
    plain.Dropout: Dropout,
}
