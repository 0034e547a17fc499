"""The head: the last merge becomes class scores."""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import summaries
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import HEAD
from connprune.architecture.shapes import head_widths
from connprune.network.dropout import dropout
from connprune.network.feature_maps import FeatureMaps, folded
from connprune.network.layers import ACTIVATIONS, State
from connprune.network.printed import Printed
from connprune.network.weighted import BatchNorm, normalisation


class Head(Printed):
    """Normalises, flattens or averages the last merge, then applies the hidden dense layers and the classifier."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.summary = summaries.of_head(architecture)
        layers = [nn.Linear(before, after) for before, after in pairwise(head_widths(architecture))]
        for layer in layers:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.dense = nn.ModuleList(layers)
        norm = architecture.head.norm
        self.norm = normalisation(norm, architecture.shapes.merged[HEAD].feature_maps) if norm else None
        self.averages = architecture.head.reduce == "average"
        self.maps = architecture.shapes.merged[HEAD].feature_maps
        self.activation = ACTIVATIONS[architecture.head.activation]
        self.dropout = architecture.head.dropout

    def reading_weights(self) -> Tensor:
        """The weights of the first dense layer, (outputs, maps, positions)."""
        first = cast("nn.Linear", self.dense[0])
        return first.weight.view(first.out_features, self.maps, -1)

    def takes_gates(self, positive: bool) -> bool:
        """Whether `take_gates` can, whatever the signs of the gates are."""
        return self.norm is None or isinstance(self.norm, BatchNorm)

    @torch.no_grad()
    def take_gates(self, gates: Tensor) -> None:
        """Multiplies the gates of what the head reads into its weights for good.

        Args:
            gates: of each feature map of the merge, (maps,).
        """
        if isinstance(self.norm, BatchNorm):
            self.norm.take_gates(gates)
        else:
            weights = self.reading_weights()
            weights.copy_(weights * gates[:, None])

    @staticmethod
    def narrowed(state: State, maps: int, inputs: Tensor) -> State:
        """The head's state after a cut.

        Args:
            state: before it.
            maps: how many feature maps it read.
            inputs: the numbers of those that it still reads.
        """
        narrow = dict(state)
        for name, tensor in state.items():
            if name.startswith("norm.") and tensor.dim():
                narrow[name] = tensor.index_select(0, inputs)
            elif name == "dense.0.weight":
                narrow[name] = tensor.view(len(tensor), maps, -1).index_select(1, inputs).flatten(1)
        return narrow

    def forward(self, maps: FeatureMaps) -> Tensor:
        """Class scores, (batch, classes)."""
        first, *others = cast("list[nn.Linear]", list(self.dense))
        if self.norm is not None:
            maps = FeatureMaps(self.activation(self.norm(maps.gated())))
        reduced = maps.values.mean((2, 3)) if self.averages else maps.values.flatten(2)
        by_map = first.weight.view(first.out_features, self.maps, *reduced.shape[2:])
        values, weight = folded(reduced, maps.gates, by_map)
        scores = F.linear(values.flatten(1), weight.flatten(1), first.bias)
        for layer in others:
            scores = layer(dropout(self.activation(scores), self.dropout, self.training))
        return scores
