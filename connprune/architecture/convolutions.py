"""The layers of image networks that have weights: convolutions, and the dense layer."""

from typing import Literal

from connprune.architecture.base import Count, LayerShapeError, Shape, Switch
from connprune.architecture.blocks import Blocks
from connprune.architecture.layers import register
from connprune.architecture.norms import OptionalNorm
from connprune.architecture.weighted import Activation, Order, Weighted, convolved
from connprune.architecture.windows import Padding, Window, area

_MODULES = "connprune.network.convolutions"


@register
class Convolution(Weighted):
    """A 2-D convolution with its normalisation and its activation.

    Attributes:
        feature_maps: how many it gives.
        kernel: height and width of its window: one number for both, or both, like [7, 1].
        padding: `same` puts zeros around the edge, so that stride 1 keeps height and width; `valid` pads nothing.
        stride: rows and columns from one window to the next.
        dilation: rows and columns from one tap of a window to the next.
        groups: blocks of input and output feature maps that see nothing of each other.
    """

    kind: Literal["conv"] = "conv"
    feature_maps: Count
    kernel: Window = 3
    padding: Padding = "same"
    stride: Count = 1
    dilation: Count = 1
    groups: Count = 1
    bias: Switch = False
    activation: Activation = "relu"
    norm: OptionalNorm = None
    order: Order = "conv-norm-act"

    stem = "conv"
    module = f"{_MODULES}:Convolution"

    def divisor(self) -> int:
        return self.groups

    def weighed_blocks(self, merged: Shape) -> Blocks:
        if self.groups == 1:
            return Blocks()
        return Blocks(merged.feature_maps // self.groups, self.feature_maps // self.groups, linked=True)

    def weighed_shape(self, merged: Shape) -> Shape:
        for maps, what in ((merged.feature_maps, "reads"), (self.feature_maps, "gives")):
            if maps % self.groups:
                raise LayerShapeError(f"{self.groups} groups do not divide the {maps} feature maps that it {what}")
        return convolved(merged, self.feature_maps, self.kernel, self.stride, self.dilation, self.padding)

    def without_strides(self) -> "Convolution":
        return self.model_copy(update={"stride": 1, "padding": "same"})

    def with_feature_maps(self, count: int) -> "Convolution":
        # A cut takes whole groups, so that those which are left are as large as they were.
        groups = max(1, self.groups * count // self.feature_maps)
        return self.model_copy(update={"feature_maps": count, "groups": groups})

    def weights(self, merged: Shape) -> int:
        return self.feature_maps * (merged.feature_maps // self.groups * area(self.kernel) + self.bias)

    def macs(self, merged: Shape) -> int:
        return self.output_shape(merged).numel * (merged.feature_maps // self.groups) * area(self.kernel)


@register
class SeparableConvolution(Weighted):
    """A depthwise convolution, one window for each feature map, and a 1×1 convolution that mixes them.

    Attributes:
        feature_maps: how many it gives.
        kernel: height and width of the depthwise window: one number for both, or both, like [7, 1]; zeros around the
            edge keep height and width at stride 1.
        stride: rows and columns from one window to the next.
        dilation: rows and columns from one tap of a window to the next.
    """

    kind: Literal["separable-conv"] = "separable-conv"
    feature_maps: Count
    kernel: Window = 3
    stride: Count = 1
    dilation: Count = 1
    bias: Switch = False
    activation: Activation = "relu"
    norm: OptionalNorm = None
    order: Order = "conv-norm-act"

    stem = "separable"
    module = f"{_MODULES}:SeparableConvolution"

    def weighed_shape(self, merged: Shape) -> Shape:
        return convolved(merged, self.feature_maps, self.kernel, self.stride, self.dilation, "same")

    def without_strides(self) -> "SeparableConvolution":
        return self.model_copy(update={"stride": 1})

    def with_feature_maps(self, count: int) -> "SeparableConvolution":
        return self.model_copy(update={"feature_maps": count})

    def weights(self, merged: Shape) -> int:
        return merged.feature_maps * area(self.kernel) + self.feature_maps * (merged.feature_maps + self.bias)

    def macs(self, merged: Shape) -> int:
        output = self.output_shape(merged)
        return output.height * output.width * merged.feature_maps * (area(self.kernel) + self.feature_maps)


@register
class DepthwiseConvolution(Weighted):
    """A convolution of each feature map by itself, with its normalisation and activation; it gives as many as it reads.

    Attributes:
        kernel: height and width of its window: one number for both, or both, like [7, 1].
        padding: `same` puts zeros around the edge, so that stride 1 keeps height and width; `valid` pads nothing.
        stride: rows and columns from one window to the next.
        dilation: rows and columns from one tap of a window to the next.
    """

    kind: Literal["depthwise-conv"] = "depthwise-conv"
    kernel: Window = 3
    padding: Padding = "same"
    stride: Count = 1
    dilation: Count = 1
    bias: Switch = False
    activation: Activation = "relu"
    norm: OptionalNorm = None
    order: Order = "conv-norm-act"

    stem = "depthwise"
    module = f"{_MODULES}:DepthwiseConvolution"

    def weighed_blocks(self, merged: Shape) -> Blocks:
        return Blocks(linked=True)

    def weighed_shape(self, merged: Shape) -> Shape:
        return convolved(merged, merged.feature_maps, self.kernel, self.stride, self.dilation, self.padding)

    def without_strides(self) -> "DepthwiseConvolution":
        return self.model_copy(update={"stride": 1, "padding": "same"})

    def weights(self, merged: Shape) -> int:
        return merged.feature_maps * (area(self.kernel) + self.bias)

    def macs(self, merged: Shape) -> int:
        return self.output_shape(merged).numel * area(self.kernel)


@register
class Linear(Weighted):
    """A dense layer over all positions with its normalisation and activation; it gives feature maps of 1×1.

    Attributes:
        feature_maps: how many it gives.
    """

    kind: Literal["linear"] = "linear"
    feature_maps: Count
    bias: Switch = True
    activation: Activation = "relu"
    norm: OptionalNorm = None
    order: Order = "conv-norm-act"

    stem = "linear"
    module = f"{_MODULES}:Linear"

    def weighed_shape(self, merged: Shape) -> Shape:
        return Shape(self.feature_maps, 1, 1)

    def with_feature_maps(self, count: int) -> "Linear":
        return self.model_copy(update={"feature_maps": count})

    def weights(self, merged: Shape) -> int:
        return self.feature_maps * (merged.numel + self.bias)

    def macs(self, merged: Shape) -> int:
        return self.feature_maps * merged.numel
