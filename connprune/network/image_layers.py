"""The torch side of the layers of image networks."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import image_layers as plain
from connprune.architecture.base import Shape
from connprune.network.dropout import dropout
from connprune.network.feature_maps import FeatureMaps, folded
from connprune.network.layers import ACTIVATIONS, IN_PLACE, SCALE_FREE, LayerModule, State


class Convolution(LayerModule):
    """A 2-D convolution with the gates of its inputs folded in, and its activation."""

    reading_weights = "weight"

    def __init__(self, layer: plain.Convolution, merged: Shape) -> None:
        super().__init__()
        inputs = merged.feature_maps // layer.groups
        self.weight = nn.Parameter(torch.empty(layer.feature_maps, inputs, layer.kernel, layer.kernel))
        self.bias = nn.Parameter(torch.zeros(layer.feature_maps)) if layer.bias else None
        nn.init.xavier_uniform_(self.weight)
        self.stride, self.dilation, self.groups = layer.stride, layer.dilation, layer.groups
        reach = layer.dilation * (layer.kernel - 1) if layer.padding == "same" else 0
        self.padding = reach // 2
        # An odd reach needs one more row and column at the end than at the beginning.
        self.uneven = reach % 2 == 1
        self.activation = IN_PLACE[layer.activation]

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        if self.groups == 1:
            values, weight = folded(maps.values, maps.gates, self.weight)
        else:
            values, weight = maps.gated(), self.weight
        values = F.pad(values, (0, 1, 0, 1)) if self.uneven else values
        convolved = F.conv2d(values, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
        return FeatureMaps(self.activation(convolved))

    @staticmethod
    def narrowed(layer: plain.Convolution, state: State, outputs: Tensor, inputs: Tensor) -> State:
        weight = state["weight"].index_select(0, outputs)
        weight = weight if layer.groups > 1 else weight.index_select(1, inputs)
        return {name: weight if name == "weight" else tensor.index_select(0, outputs) for name, tensor in state.items()}


class SeparableConvolution(LayerModule):
    """A depthwise convolution, which commutes with the gates, and a 1×1 convolution that takes them up."""

    reading_weights = "pointwise"

    def __init__(self, layer: plain.SeparableConvolution, merged: Shape) -> None:
        super().__init__()
        self.depthwise = nn.Parameter(torch.empty(merged.feature_maps, 1, layer.kernel, layer.kernel))
        self.pointwise = nn.Parameter(torch.empty(layer.feature_maps, merged.feature_maps, 1, 1))
        self.bias = nn.Parameter(torch.zeros(layer.feature_maps)) if layer.bias else None
        nn.init.xavier_uniform_(self.depthwise)
        nn.init.xavier_uniform_(self.pointwise)
        self.stride = layer.stride
        self.padding = (layer.kernel - 1) // 2
        self.uneven = layer.kernel % 2 == 0
        self.activation = IN_PLACE[layer.activation]

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        values = F.pad(maps.values, (0, 1, 0, 1)) if self.uneven else maps.values
        depthwise = F.conv2d(values, self.depthwise, None, self.stride, self.padding, groups=len(self.depthwise))
        mixed = F.conv2d(*folded(depthwise, maps.gates, self.pointwise), self.bias)
        return FeatureMaps(self.activation(mixed))

    @staticmethod
    def narrowed(layer: plain.SeparableConvolution, state: State, outputs: Tensor, inputs: Tensor) -> State:
        narrow = {name: tensor.index_select(0, outputs) for name, tensor in state.items() if name != "depthwise"}
        narrow["pointwise"] = narrow["pointwise"].index_select(1, inputs)
        return {"depthwise": state["depthwise"].index_select(0, inputs), **narrow}


class MaxPooling(LayerModule):
    """Max-pooling; it goes before gates that cannot be negative, and after others."""

    def __init__(self, layer: plain.MaxPooling, merged: Shape) -> None:
        super().__init__()
        self.size = layer.size

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        ready = maps if maps.gates_are_positive else FeatureMaps(maps.gated())
        return ready._replace(values=F.max_pool2d(ready.values, self.size))


class AveragePooling(LayerModule):
    """Average-pooling, before the gates."""

    def __init__(self, layer: plain.AveragePooling, merged: Shape) -> None:
        super().__init__()
        self.size = layer.size

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps._replace(values=F.avg_pool2d(maps.values, self.size))


class GlobalPooling(LayerModule):
    """The mean, before the gates; or the maximum, before gates that cannot be negative."""

    def __init__(self, layer: plain.GlobalPooling, merged: Shape) -> None:
        super().__init__()
        self.takes_the_mean = layer.function == "average"

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        if self.takes_the_mean:
            return maps._replace(values=maps.values.mean((2, 3), keepdim=True))
        ready = maps if maps.gates_are_positive else FeatureMaps(maps.gated())
        return ready._replace(values=ready.values.amax((2, 3), keepdim=True))


class Dropout(LayerModule):
    """Dropout of single activations, before their gates."""

    def __init__(self, layer: plain.Dropout, merged: Shape) -> None:
        super().__init__()
        self.rate = layer.rate

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps._replace(values=dropout(maps.values, self.rate, self.training))


class BatchNorm(LayerModule):
    """Batch normalisation, after the gates: it would undo them if they came later."""

    def __init__(self, layer: plain.BatchNorm, merged: Shape) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(merged.feature_maps, layer.epsilon, layer.momentum)
        self.activation = ACTIVATIONS[layer.activation]

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return FeatureMaps(self.activation(self.norm(maps.gated())))

    @staticmethod
    def narrowed(layer: plain.BatchNorm, state: State, outputs: Tensor, inputs: Tensor) -> State:
        return {name: tensor.index_select(0, inputs) if tensor.dim() else tensor for name, tensor in state.items()}


class ActivationLayer(LayerModule):
    """An activation, before the gates where it scales with them."""

    def __init__(self, layer: plain.ActivationLayer, merged: Shape) -> None:
        super().__init__()
        self.function = ACTIVATIONS[layer.function]
        self.scale_free = layer.function in SCALE_FREE

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        ready = maps if self.scale_free and maps.gates_are_positive else FeatureMaps(maps.gated())
        return ready._replace(values=self.function(ready.values))


class Linear(LayerModule):
    """A dense layer with the gates of its inputs folded in, and its activation."""

    reading_weights = "weight"

    def __init__(self, layer: plain.Linear, merged: Shape) -> None:
        super().__init__()
        weight = torch.empty(layer.feature_maps, merged.numel)
        nn.init.xavier_uniform_(weight)
        self.weight = nn.Parameter(weight.view(layer.feature_maps, merged.feature_maps, -1))
        self.bias = nn.Parameter(torch.zeros(layer.feature_maps)) if layer.bias else None
        self.activation = ACTIVATIONS[layer.activation]

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        values, weight = folded(maps.values.flatten(2), maps.gates, self.weight)
        dense = F.linear(values.flatten(1), weight.flatten(1), self.bias)
        return FeatureMaps(self.activation(dense)[:, :, None, None])

    @staticmethod
    def narrowed(layer: plain.Linear, state: State, outputs: Tensor, inputs: Tensor) -> State:
        narrow = {name: tensor.index_select(0, outputs) for name, tensor in state.items()}
        return {**narrow, "weight": narrow["weight"].index_select(1, inputs)}
