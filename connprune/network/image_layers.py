"""The torch side of the layers of image networks that mix no feature maps."""

from math import prod
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.architecture import image_layers as plain
from connprune.architecture.base import Shape
from connprune.architecture.windows import reach, sides
from connprune.network.dropout import dropout
from connprune.network.feature_maps import FeatureMaps
from connprune.network.layers import ACTIVATIONS, SCALE_FREE, LayerModule, State
from connprune.network.margins import Margins
from connprune.network.weighted import BatchNorm, activated, normalisation


class MaxPooling(LayerModule):
    """Max-pooling; it goes before gates that cannot be negative, and after others."""

    def __init__(self, layer: plain.MaxPooling, merged: Shape) -> None:
        super().__init__()
        self.size, self.stride = sides(layer.size), layer.stride
        self.margins = Margins(reach(layer.size), layer.padding)

    def passes_gates(self, positive: bool) -> bool:
        return positive

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        ready = maps if maps.gates_are_positive else FeatureMaps(maps.gated())
        values = self.margins.added(ready.values, filling=-torch.inf)
        return ready.with_values(F.max_pool2d(values, self.size, self.stride, self.margins.around))


class AveragePooling(LayerModule):
    """Average-pooling of what is inside the feature maps, before the gates."""

    inside: Tensor | None

    def __init__(self, layer: plain.AveragePooling, merged: Shape) -> None:
        super().__init__()
        self.size, self.stride = sides(layer.size), layer.stride
        self.margins = Margins(reach(layer.size), layer.padding)
        # How many positions of each window are inside, where torch cannot count them by itself.
        share = self._mean(torch.ones(1, 1, *merged.size)) if self.margins.are_uneven else None
        self.register_buffer("inside", None if share is None else (share * prod(self.size)).round(), persistent=False)

    def passes_gates(self, positive: bool) -> bool:
        return True

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        mean = self._mean(maps.values)
        if self.inside is not None:
            mean = mean / (self.inside.to(mean.dtype) / prod(self.size))
        return maps.with_values(mean)

    def _mean(self, values: Tensor) -> Tensor:
        counted = self.margins.are_uneven
        padded = self.margins.added(values)
        return F.avg_pool2d(padded, self.size, self.stride, self.margins.around, count_include_pad=counted)


class GlobalPooling(LayerModule):
    """The mean, before the gates; or the maximum, before gates that cannot be negative."""

    def __init__(self, layer: plain.GlobalPooling, merged: Shape) -> None:
        super().__init__()
        self.takes_the_mean = layer.function == "average"

    def passes_gates(self, positive: bool) -> bool:
        return positive or self.takes_the_mean

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        if self.takes_the_mean:
            return maps.with_values(maps.values.mean((2, 3), keepdim=True))
        ready = maps if maps.gates_are_positive else FeatureMaps(maps.gated())
        return ready.with_values(ready.values.amax((2, 3), keepdim=True))


class Dropout(LayerModule):
    """Dropout of single activations, before their gates."""

    def __init__(self, layer: plain.Dropout, merged: Shape) -> None:
        super().__init__()
        self.rate = layer.rate

    def passes_gates(self, positive: bool) -> bool:
        return True

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps.with_values(dropout(maps.values, self.rate, self.training))


class Normalisation(LayerModule):
    """A normalisation, after the gates: it would undo them if they came later."""

    def __init__(self, layer: plain.BatchNorm | plain.GroupNorm | plain.LayerNorm, merged: Shape) -> None:
        super().__init__()
        self.norm = normalisation(layer.norm, merged.feature_maps)
        self.activation = ACTIVATIONS[layer.activation]

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return FeatureMaps(self.activation(self.norm(maps.gated())))

    def takes_gates(self, positive: bool) -> bool:
        return isinstance(self.norm, BatchNorm)

    def take_gates(self, gates: Tensor) -> None:
        cast("BatchNorm", self.norm).take_gates(gates)

    @staticmethod
    def narrowed(layer: object, state: State, outputs: Tensor, inputs: Tensor) -> State:
        return {name: tensor.index_select(0, inputs) if tensor.dim() else tensor for name, tensor in state.items()}


class ActivationLayer(LayerModule):
    """An activation, before the gates where it scales with them."""

    def __init__(self, layer: plain.ActivationLayer, merged: Shape) -> None:
        super().__init__()
        self.function = layer.function

    def passes_gates(self, positive: bool) -> bool:
        return positive and self.function in SCALE_FREE

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return activated(maps, self.function)
