"""What the torch side of every layer has in common, and how it is found."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.architecture import summaries
from connprune.architecture.base import Shape
from connprune.architecture.layers import Layer
from connprune.network.feature_maps import FeatureMaps
from connprune.network.printed import Printed
from connprune.registry import imported

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda values: values,
    "relu": F.relu,
    "leaky-relu": F.leaky_relu,
    "relu6": F.relu6,
    "gelu": F.gelu,
    "silu": F.silu,
    "hard-swish": F.hardswish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
# The same for values that nothing else reads, so that theirs may take their place.
IN_PLACE: dict[str, Callable[[Tensor], Tensor]] = {
    **ACTIVATIONS,
    "relu": torch.relu_,
    "leaky-relu": lambda values: F.leaky_relu(values, inplace=True),
}
# The activations that a factor which is not negative may go before or after.
SCALE_FREE = frozenset({"none", "relu", "leaky-relu"})

State = dict[str, Tensor]


class LayerModule(Printed):
    """A module that reads gated feature maps and gives feature maps.

    A module that does not know better starts from `maps.gated()`; one that commutes with the gates, or folds them into
    its weights, spares that copy.
    """

    def passes_gates(self, positive: bool) -> bool:
        """Whether the gates commute with all that the layer does, so that they may be left to what reads it.

        Then the layer is given none where it reads a concatenation.

        Args:
            positive: whether no gate can be negative.
        """
        return False

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        """The layer's output."""
        raise NotImplementedError(type(self).__name__)

    def takes_gates(self, positive: bool) -> bool:
        """Whether `take_gates` can.

        Args:
            positive: whether no gate can be negative.
        """
        return False

    def take_gates(self, gates: Tensor) -> None:
        """Multiplies the gates of what the layer reads into its weights for good: it computes the same without them.

        Args:
            gates: of each feature map of the merge, (maps,).
        """
        raise NotImplementedError(type(self).__name__)

    def reading_weights(self) -> Tensor | None:
        """The weights that read the merge, all its feature maps in dimension 1; None if there are none."""
        return None

    @staticmethod
    def narrowed(layer: Any, state: State, outputs: Tensor, inputs: Tensor) -> State:
        """The layer's state after a cut.

        Args:
            layer: the parent's layer.
            state: its state.
            outputs: the numbers of the feature maps that it still gives.
            inputs: the numbers of the feature maps that it still reads.
        """
        return state


def module_of(layer: type[Layer]) -> type[LayerModule]:
    """The torch module of a layer.

    Raises:
        UsageError: the layer names none that there is.
    """
    module: type[LayerModule] = imported(layer.module, f"layer {layer.__name__}")
    return module


def make(layer: Layer, merged: Shape) -> LayerModule:
    """The module of a layer that reads a merge of this shape."""
    module = module_of(type(layer))(layer, merged)
    module.summary = summaries.of_layer(layer, merged)
    return module
