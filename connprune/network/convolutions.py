"""The torch side of the layers of image networks that have weights."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import convolutions as plain
from connprune.architecture.base import Shape
from connprune.architecture.windows import reach, sides
from connprune.network.feature_maps import FeatureMaps, folded
from connprune.network.margins import Margins
from connprune.network.weighted import Weighted


def gated_groups(values: Tensor, gates: Tensor | None, weight: Tensor) -> Tensor:
    """The weights of a grouped convolution with the gates of what it reads in them.

    Args:
        values: (batch, maps, height, width).
        gates: (maps,); None is ones.
        weight: (outputs, maps of a group, rows, columns).
    """
    if gates is None:
        return weight
    groups = values.shape[1] // weight.shape[1]
    by_group: Tensor = weight.unflatten(0, (groups, -1)) * gates.reshape(groups, 1, -1, 1, 1)
    return by_group.flatten(0, 1)


def glorot(outputs: int, inputs: int, *kernel: int, groups: int = 1) -> nn.Parameter:
    """Fresh weights, (outputs, inputs, *kernel), Glorot-uniform (Glorot, Bengio 2010, equation 16).

    Args:
        outputs: feature maps of all groups.
        inputs: feature maps of one group.
        kernel: its sides.
        groups: into which both are divided: an input goes into the outputs of its group alone.
    """
    weight = torch.empty(outputs, inputs, *kernel)
    nn.init.xavier_uniform_(weight, math.sqrt((inputs + outputs) / (inputs + outputs / groups)))
    return nn.Parameter(weight)


def zeros(maps: int, wanted: bool) -> nn.Parameter | None:
    """Fresh biases, or none."""
    return nn.Parameter(torch.zeros(maps)) if wanted else None


class Convolution(Weighted):
    """A 2-D convolution with the gates of its inputs folded in."""

    def __init__(self, layer: plain.Convolution, merged: Shape) -> None:
        super().__init__(layer, merged)
        self.weight = glorot(
            layer.feature_maps, merged.feature_maps // layer.groups, *sides(layer.kernel), groups=layer.groups
        )
        self.bias = zeros(layer.feature_maps, layer.bias)
        self.stride, self.dilation, self.groups = layer.stride, layer.dilation, layer.groups
        self.margins = Margins(reach(layer.kernel, layer.dilation), layer.padding)

    def weighed(self, maps: FeatureMaps) -> Tensor:
        if self.groups == 1:
            values, weight = folded(maps.values, maps.gates, self.weight)
        else:
            values, weight = maps.values, gated_groups(maps.values, maps.gates, self.weight)
        values = self.margins.added(values)
        return F.conv2d(values, weight, self.bias, self.stride, self.margins.around, self.dilation, self.groups)


class SeparableConvolution(Weighted):
    """A depthwise convolution, which commutes with the gates, and a 1×1 convolution that takes them up."""

    reading = "pointwise"
    own_weights = frozenset({"depthwise"})

    def __init__(self, layer: plain.SeparableConvolution, merged: Shape) -> None:
        super().__init__(layer, merged)
        self.depthwise = glorot(merged.feature_maps, 1, *sides(layer.kernel), groups=merged.feature_maps)
        self.pointwise = glorot(layer.feature_maps, merged.feature_maps, 1, 1)
        self.bias = zeros(layer.feature_maps, layer.bias)
        self.stride, self.dilation = layer.stride, layer.dilation
        self.margins = Margins(reach(layer.kernel, layer.dilation), "same")

    def weighed(self, maps: FeatureMaps) -> Tensor:
        values, around = self.margins.added(maps.values), self.margins.around
        groups = len(self.depthwise)
        depthwise = F.conv2d(values, self.depthwise, None, self.stride, around, self.dilation, groups)
        return F.conv2d(*folded(depthwise, maps.gates, self.pointwise), self.bias)


class DepthwiseConvolution(Weighted):
    """A convolution of each feature map by itself, with its gate folded in."""

    own_weights = frozenset({"weight"})

    def __init__(self, layer: plain.DepthwiseConvolution, merged: Shape) -> None:
        super().__init__(layer, merged)
        self.weight = glorot(merged.feature_maps, 1, *sides(layer.kernel), groups=merged.feature_maps)
        self.bias = zeros(merged.feature_maps, layer.bias)
        self.stride, self.dilation, self.groups = layer.stride, layer.dilation, merged.feature_maps
        self.margins = Margins(reach(layer.kernel, layer.dilation), layer.padding)

    def weighed(self, maps: FeatureMaps) -> Tensor:
        weight = gated_groups(maps.values, maps.gates, self.weight)
        values, around = self.margins.added(maps.values), self.margins.around
        return F.conv2d(values, weight, self.bias, self.stride, around, self.dilation, self.groups)


class Linear(Weighted):
    """A dense layer with the gates of its inputs folded in."""

    def __init__(self, layer: plain.Linear, merged: Shape) -> None:
        super().__init__(layer, merged)
        weight = glorot(layer.feature_maps, merged.numel)
        self.weight = nn.Parameter(weight.detach().view(layer.feature_maps, merged.feature_maps, -1))
        self.bias = zeros(layer.feature_maps, layer.bias)

    def weighed(self, maps: FeatureMaps) -> Tensor:
        values, weight = folded(maps.values.flatten(2), maps.gates, self.weight)
        return F.linear(values.flatten(1), weight.flatten(1), self.bias)[:, :, None, None]
