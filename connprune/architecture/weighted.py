"""What layers with weights have in common: a normalisation and an activation, before or after the weights."""

from typing import TYPE_CHECKING, Literal

from connprune.architecture.base import LayerShapeError, Shape
from connprune.architecture.blocks import Blocks, normalised
from connprune.architecture.layers import Layer
from connprune.architecture.norms import Norm
from connprune.architecture.windows import Padding, reach, shown, slid

Activation = Literal["relu", "none", "leaky-relu", "relu6", "gelu", "silu", "hard-swish", "tanh", "sigmoid"]
Order = Literal["conv-norm-act", "norm-act-conv", "act-conv-norm"]
REMEDY = "use larger images or fewer layers"


class Weighted(Layer):
    """A layer with weights, a normalisation and an activation; subclasses have the keys, each where a reader wants it.

    Attributes:
        bias: whether each feature map that it gives has a bias.
        activation: which.
        norm: `batch`, `layer`, or a section like `{kind: group, group_size: 16}`; null is none.
        order: `conv-norm-act`, the activation and the normalisation follow the weights; `norm-act-conv`, they come
            before; `act-conv-norm`, the activation comes before and the normalisation follows.
    """

    if TYPE_CHECKING:
        bias: bool
        activation: Activation
        norm: Norm | None
        order: Order

    @property
    def normalises_input(self) -> bool:
        """Whether the normalisation comes before the weights."""
        return self.order == "norm-act-conv"

    def weighed_shape(self, merged: Shape) -> Shape:
        """The shape that the weights give.

        Raises:
            LayerShapeError: the merge does not suit the layer.
        """
        raise NotImplementedError(type(self).__name__)

    def weighed_blocks(self, merged: Shape) -> Blocks:
        """The blocks of the weights alone."""
        return Blocks()

    def weights(self, merged: Shape) -> int:
        """How many weights there are, biases included."""
        raise NotImplementedError(type(self).__name__)

    def output_shape(self, merged: Shape) -> Shape:
        output = self.weighed_shape(merged)
        for norm, shape in self.norms(merged):
            norm.require(shape)
        return output

    def norms(self, merged: Shape) -> tuple[tuple[Norm, Shape], ...]:
        if self.norm is None:
            return ()
        return ((self.norm, merged if self.normalises_input else self.weighed_shape(merged)),)

    def blocks(self, merged: Shape) -> Blocks:
        blocks = self.weighed_blocks(merged)
        for norm, shape in self.norms(merged):
            side = "before" if self.normalises_input else "after"
            blocks = normalised(blocks, **{side: norm.together(shape.feature_maps)})
        return blocks

    def parameters(self, merged: Shape) -> int:
        return self.weights(merged) + sum(norm.parameters(shape.feature_maps) for norm, shape in self.norms(merged))


def convolved(
    merged: Shape, maps: int, kernel: int | tuple[int, int], stride: int, dilation: int, padding: Padding
) -> Shape:
    """The shape that a convolution gives.

    Args:
        merged: what it reads.
        maps: how many feature maps it gives.
        kernel: height and width of the window.
        stride: rows and columns from one window to the next.
        dilation: rows and columns from one tap of a window to the next.
        padding: around the feature maps.

    Raises:
        LayerShapeError: a window that must stay inside is larger than the feature maps.
    """
    reaches = reach(kernel, dilation)
    if padding == "valid" and any(side <= less for side, less in zip(merged.size, reaches, strict=True)):
        needed = (reaches[0] + 1, reaches[1] + 1)
        raise LayerShapeError(f"a valid {shown(kernel)} convolution needs at least {shown(needed)}; {REMEDY}")
    return Shape(maps, *slid(merged.size, reaches, stride, padding))
