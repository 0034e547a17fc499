"""Feature maps whose gates are not multiplied in yet."""

from typing import NamedTuple

import torch
from torch import Tensor


class FeatureMaps(NamedTuple):
    """Activations and the gate of each feature map, which stands for their product.

    Max-pooling (for gates that are not negative), dropout and resizing commute with the product, and a convolution or
    dense layer can take it into its weights, so that a gated copy of the activations is never needed.

    Attributes:
        values: (batch, maps, height, width).
        gates: (maps,); None stands for ones.
        gates_are_positive: whether no gate can be negative.
    """

    values: Tensor
    gates: Tensor | None = None
    gates_are_positive: bool = True

    def with_values(self, values: Tensor) -> "FeatureMaps":
        """Other activations, (batch, maps, height, width), with the same gates."""
        # Not `_replace`, of which torch 2.11 makes an empty tuple where it compiles a part of a network alone.
        return FeatureMaps(values, self.gates, self.gates_are_positive)

    def gated(self) -> Tensor:
        """The product, (batch, maps, height, width)."""
        return self.values if self.gates is None else self.values * self.gates[:, None, None]


def folded(values: Tensor, gates: Tensor | None, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The operands of a linear layer that reads gated feature maps, with the gates in the smaller operand.

    `weight · (g * values)` equals `(g * weight) · values`; which is cheaper depends on the batch size and on the
    layer, and both are exact. An exported network takes batches of any size, so there the weights take them.

    Args:
        values: (batch, maps, …).
        gates: (maps,) or None.
        weight: (outputs, maps, …).
    """
    if gates is None:
        return values, weight
    if torch.compiler.is_exporting() or weight.numel() <= values.numel():
        return values, weight * gates.reshape(-1, *[1] * (weight.dim() - 2))
    return values * gates.reshape(-1, *[1] * (values.dim() - 2)), weight
