"""The torch side of the aggregates that put their inputs one behind the other."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture.architecture import Architecture
from connprune.architecture.shapes import brought_maps
from connprune.network.aggregates import AggregateModule
from connprune.network.feature_maps import FeatureMaps, folded
from connprune.network.layers import State


class Concatenate(AggregateModule):
    """What is joined already, one input behind the other; the gates stay pending."""

    def forward(self, inputs: Sequence[Tensor], gates: Tensor | None, positive: bool) -> FeatureMaps:
        (joined,) = inputs
        return FeatureMaps(joined, gates, positive)

    def merged_gates(self, gates: Tensor) -> Tensor:
        return gates


class Squeeze(AggregateModule):
    """A learned 1×1 convolution of what is joined, with the gates folded in."""

    def __init__(self, architecture: Architecture, target: str) -> None:
        super().__init__(architecture, target)
        merged = architecture.shapes.merged[target].feature_maps
        self.weight = nn.Parameter(torch.empty(merged, brought_maps(architecture, target), 1, 1))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, inputs: Sequence[Tensor], gates: Tensor | None, positive: bool) -> FeatureMaps:
        (joined,) = inputs
        return FeatureMaps(F.conv2d(*folded(joined, gates, self.weight)))

    def reading_weights(self, behind: Tensor) -> Tensor:
        return self.weight

    def takes_gates(self) -> bool:
        return True

    @torch.no_grad()
    def take_gates(self, gates: Tensor) -> None:
        self.weight.mul_(gates[:, None, None])

    @staticmethod
    def narrowed(state: State, merged: Tensor, brought: Tensor) -> State:
        return {"weight": state["weight"].index_select(0, merged).index_select(1, brought)}
