"""The torch side of what layers with weights have in common: normalisation and activation around the weights."""

from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture.base import Shape
from connprune.architecture.norms import Norm
from connprune.architecture.weighted import Weighted as Plain
from connprune.network.feature_maps import FeatureMaps
from connprune.network.layers import ACTIVATIONS, IN_PLACE, SCALE_FREE, LayerModule, State

# A backward pass through a group normalisation of channels-last values that need no gradient, as images do not, ends
# torch 2.11 on a CPU with a segmentation fault; torch 2.14 does it.
_NEEDS_MAPS_FIRST = torch.__version__ < "2.14"


class GroupNorm(nn.GroupNorm):
    """Gives the type that it reads, as a batch normalisation does: on CUDA autocast computes it in float32."""

    def forward(self, values: Tensor) -> Tensor:
        if _NEEDS_MAPS_FIRST and not values.requires_grad and not torch.compiler.is_exporting():
            values = values.contiguous()
        found = super().forward(values)
        return found if found.dtype == values.dtype else found.to(values.dtype)


class BatchNorm(nn.BatchNorm2d):
    """Gives the right gradients for every memory layout.

    Where a side is 1, a tensor can count as channels-last whatever its stride along that side is. torch's backward pass
    on a CPU then reads the gradient in another layout than it has.
    """

    def forward(self, values: Tensor) -> Tensor:
        # An exported network has no backward pass, and takes batches of any size.
        if values.requires_grad and not torch.compiler.is_exporting():
            _, maps, height, width = values.shape
            canonical = (maps * height * width, 1, width * maps, maps)
            is_last = values.is_contiguous(memory_format=torch.channels_last)
            if is_last and not values.is_contiguous() and values.stride() != canonical:
                values = values.contiguous()
        # As torch's module does it, but for its count of batches, which nothing reads.
        means, variances = self.running_mean, self.running_var
        weight, bias, in_training = self.weight, self.bias, self.training
        return F.batch_norm(values, means, variances, weight, bias, in_training, self.momentum or 0.0, self.eps)

    @torch.no_grad()
    def take_gates(self, gates: Tensor) -> None:
        """Multiplies the gates of what is normalised in for good: evaluation computes the same without them.

        With g·x for x, the mean of x is mean / g, and its variance variance / g². Where that would be less than the
        epsilon allows, and for a gate of 0, of which no mean is known, the weight and the bias make up for the rest.

        Args:
            gates: of each feature map, (maps,).
        """
        means, variances = cast("Tensor", self.running_mean), cast("Tensor", self.running_var)
        closed = gates == 0
        self.bias.sub_(torch.where(closed, means * self.weight / (variances + self.eps).sqrt(), 0))
        divisor = torch.where(closed, 1, gates)
        scaled = ((variances + self.eps) / divisor.square() - self.eps).clamp(min=0)
        self.weight.mul_(gates * ((scaled + self.eps) / (variances + self.eps)).sqrt())
        means.div_(divisor)
        variances.copy_(scaled)


def normalisation(norm: Norm, maps: int) -> nn.Module:
    """The module that normalises so many feature maps."""
    if norm.kind == "batch":
        return BatchNorm(maps, norm.epsilon, norm.momentum)
    return GroupNorm(maps // norm.together(maps), maps, norm.epsilon)


def activated(maps: FeatureMaps, activation: str) -> FeatureMaps:
    """Feature maps after an activation; their gates stay pending where it scales with them."""
    ready = maps if activation in SCALE_FREE and maps.gates_are_positive else FeatureMaps(maps.gated())
    return ready.with_values(ACTIVATIONS[activation](ready.values))


class Weighted(LayerModule):
    """A layer with weights, and what comes before and after them.

    Args:
        layer: which.
        merged: the shape that it reads.
    """

    # The weights that read the merge; of a grouped layer those that each group of outputs reads its part by.
    reading: ClassVar[str] = "weight"
    groups = 1
    # Weights that have one entry for each feature map of the input, and nothing else to do with its number.
    own_weights: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, layer: Plain, merged: Shape) -> None:
        super().__init__()
        self.order, self.activation = layer.order, layer.activation
        self.norm: nn.Module | None = None
        for norm, shape in layer.norms(merged):
            self.norm = normalisation(norm, shape.feature_maps)

    def weighed(self, maps: FeatureMaps) -> Tensor:
        """What the weights make, in memory of its own, (batch, maps, height, width)."""
        raise NotImplementedError(type(self).__name__)

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        match self.order:
            case "norm-act-conv":
                ready = maps if self.norm is None else FeatureMaps(self.norm(maps.gated()))
                return FeatureMaps(self.weighed(activated(ready, self.activation)))
            case "act-conv-norm":
                return FeatureMaps(self._normalised(self.weighed(activated(maps, self.activation))))
            case _:
                return FeatureMaps(IN_PLACE[self.activation](self._normalised(self.weighed(maps))))

    def takes_gates(self, positive: bool) -> bool:
        match self.order:
            case "norm-act-conv" if self.norm is not None:
                return isinstance(self.norm, BatchNorm)
            case "norm-act-conv" | "act-conv-norm":
                return self.activation == "none" or (positive and self.activation in SCALE_FREE)
            case _:
                return True

    @torch.no_grad()
    def take_gates(self, gates: Tensor) -> None:
        if self.order == "norm-act-conv" and isinstance(self.norm, BatchNorm):
            self.norm.take_gates(gates)
            return
        weight = self.get_parameter(self.reading)
        groups = self.groups
        by_group = gates.reshape(groups, 1, -1, *[1] * (weight.dim() - 2))
        weight.copy_((weight.unflatten(0, (groups, -1)) * by_group).flatten(0, 1))

    def _normalised(self, values: Tensor) -> Tensor:
        return values if self.norm is None else self.norm(values)

    def reading_weights(self) -> Tensor | None:
        by_group: Tensor = self.get_parameter(self.reading).unflatten(0, (self.groups, -1))
        return by_group.transpose(0, 1).flatten(1, 2)

    @classmethod
    def narrowed(cls, layer: Plain, state: State, outputs: Tensor, inputs: Tensor) -> State:
        return {
            name: cls._narrowed_tensor(layer, name, tensor, outputs, inputs) if tensor.dim() else tensor
            for name, tensor in state.items()
        }

    @classmethod
    def _narrowed_tensor(cls, layer: Plain, name: str, tensor: Tensor, outputs: Tensor, inputs: Tensor) -> Tensor:
        if name in cls.own_weights or (name.startswith("norm.") and layer.normalises_input):
            return tensor.index_select(0, inputs)
        narrow = tensor.index_select(0, outputs)
        # A grouped layer's weights do not number all that it reads; whole groups go with what they give.
        groups = getattr(layer, "groups", 1)
        return narrow.index_select(1, inputs) if name == cls.reading and groups == 1 else narrow
