"""The torch side of the layers of sequence networks; a sequence is an image one row high."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import sequence_layers as plain
from connprune.architecture.base import Shape
from connprune.architecture.windows import reach
from connprune.network.convolutions import glorot, zeros
from connprune.network.feature_maps import FeatureMaps, folded
from connprune.network.layers import LayerModule, State
from connprune.network.margins import Margins
from connprune.network.weighted import Weighted


class SequenceConvolution(Weighted):
    """A convolution along the steps with the gates of its inputs folded in."""

    def __init__(self, layer: plain.SequenceConvolution, merged: Shape) -> None:
        super().__init__(layer, merged)
        self.weight = glorot(layer.feature_maps, merged.feature_maps, 1, layer.kernel)
        self.bias = zeros(layer.feature_maps, layer.bias)
        self.margins = Margins(reach((1, layer.kernel)), layer.padding)

    def weighed(self, maps: FeatureMaps) -> Tensor:
        values, weight = folded(maps.values, maps.gates, self.weight)
        return F.conv2d(self.margins.added(values), weight, self.bias, padding=self.margins.around)


class Recurrent(LayerModule):
    """A recurrent layer over the steps."""

    recurrent: nn.RNNBase

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        steps = maps.gated().squeeze(2).transpose(1, 2)
        states, _ = self.recurrent(steps)
        return FeatureMaps(states.transpose(1, 2).unsqueeze(2))

    def reading_weights(self) -> Tensor | None:
        return self.recurrent.get_parameter("weight_ih_l0")

    def takes_gates(self, positive: bool) -> bool:
        return True

    @torch.no_grad()
    def take_gates(self, gates: Tensor) -> None:
        self.recurrent.get_parameter("weight_ih_l0").mul_(gates)

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

    def passes_gates(self, positive: bool) -> bool:
        return positive

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        ready = maps if maps.gates_are_positive else FeatureMaps(maps.gated())
        return ready.with_values(F.max_pool2d(ready.values, (1, self.size)))


class SequenceAveragePooling(LayerModule):
    """Average-pooling over steps, before the gates."""

    def __init__(self, layer: plain.SequenceAveragePooling, merged: Shape) -> None:
        super().__init__()
        self.size = layer.size

    def passes_gates(self, positive: bool) -> bool:
        return True

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps.with_values(F.avg_pool2d(maps.values, (1, self.size)))
