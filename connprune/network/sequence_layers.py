"""The torch side of the layers of sequence networks; a sequence is an image one row high."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import sequence_layers as plain
from connprune.architecture.base import Shape
from connprune.network.feature_maps import FeatureMaps, folded
from connprune.network.layers import ACTIVATIONS, LayerModule, State


class SequenceConvolution(LayerModule):
    """A convolution along the steps with the gates of its inputs folded in, and its activation."""

    reading_weights = "weight"

    def __init__(self, layer: plain.SequenceConvolution, merged: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(layer.feature_maps, merged.feature_maps, 1, layer.kernel))
        self.bias = nn.Parameter(torch.zeros(layer.feature_maps)) if layer.bias else None
        nn.init.xavier_uniform_(self.weight)
        reach = layer.kernel - 1 if layer.padding == "same" else 0
        self.margins = (reach // 2, reach - reach // 2)
        self.activation = ACTIVATIONS[layer.activation]

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        values, weight = folded(maps.values, maps.gates, self.weight)
        return FeatureMaps(self.activation(F.conv2d(F.pad(values, self.margins), weight, self.bias)))

    @staticmethod
    def narrowed(layer: plain.SequenceConvolution, state: State, outputs: Tensor, inputs: Tensor) -> State:
        narrow = {name: tensor.index_select(0, outputs) for name, tensor in state.items()}
        return {**narrow, "weight": narrow["weight"].index_select(1, inputs)}


class Recurrent(LayerModule):
    """A recurrent layer over the steps."""

    recurrent: nn.RNNBase
    reading_weights = "recurrent.weight_ih_l0"

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        steps = maps.gated().squeeze(2).transpose(1, 2)
        states, _ = self.recurrent(steps)
        return FeatureMaps(states.transpose(1, 2).unsqueeze(2))

    @staticmethod
    def narrowed(layer: plain.LSTM | plain.GRU, state: State, outputs: Tensor, inputs: Tensor) -> State:
        name = "recurrent.weight_ih_l0"
        return {**state, name: state[name].index_select(1, inputs)}


class LSTM(Recurrent):
    """A long short-term memory."""

    def __init__(self, layer: plain.LSTM, merged: Shape) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(merged.feature_maps, layer.feature_maps, batch_first=True)


class GRU(Recurrent):
    """A gated recurrent unit."""

    def __init__(self, layer: plain.GRU, merged: Shape) -> None:
        super().__init__()
        self.recurrent = nn.GRU(merged.feature_maps, layer.feature_maps, batch_first=True)


class SequenceMaxPooling(LayerModule):
    """Max-pooling over steps; it goes before gates that cannot be negative, and after others."""

    def __init__(self, layer: plain.SequenceMaxPooling, merged: Shape) -> None:
        super().__init__()
        self.size = layer.size

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        ready = maps if maps.gates_are_positive else FeatureMaps(maps.gated())
        return ready._replace(values=F.max_pool2d(ready.values, (1, self.size)))


class SequenceAveragePooling(LayerModule):
    """Average-pooling over steps, before the gates."""

    def __init__(self, layer: plain.SequenceAveragePooling, merged: Shape) -> None:
        super().__init__()
        self.size = layer.size

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps._replace(values=F.avg_pool2d(maps.values, (1, self.size)))
