"""The layers of image networks."""

from typing import Literal

from connprune.architecture.base import Count, Fraction, Positive, Shape, Switch
from connprune.architecture.layers import Layer, LayerShapeError, register

Activation = Literal["relu", "none", "leaky-relu", "gelu", "silu", "tanh", "sigmoid"]
_MODULES = "connprune.network.image_layers"
REMEDY = "use larger images or fewer layers"


@register
class Convolution(Layer):
    """A square 2-D convolution and its activation.

    Attributes:
        feature_maps: how many it gives.
        kernel: height and width of its window.
        padding: `same` puts zeros around the edge, so that stride 1 keeps height and width; `valid` pads nothing.
        stride: rows and columns from one window to the next.
        dilation: rows and columns from one tap of a window to the next.
        groups: blocks of input and output feature maps that see nothing of each other.
        bias: whether each feature map has a bias.
        activation: what follows.
    """

    kind: Literal["conv"]
    feature_maps: Count
    kernel: Count = 3
    padding: Literal["same", "valid"] = "same"
    stride: Count = 1
    dilation: Count = 1
    groups: Count = 1
    bias: Switch = False
    activation: Activation = "relu"

    stem = "conv"
    module = f"{_MODULES}:Convolution"

    @property
    def needs_every_input(self) -> bool:
        return self.groups > 1

    def output_shape(self, merged: Shape) -> Shape:
        for maps, what in ((merged.feature_maps, "reads"), (self.feature_maps, "gives")):
            if maps % self.groups:
                raise LayerShapeError(f"{self.groups} groups do not divide the {maps} feature maps that it {what}")
        reach = self.dilation * (self.kernel - 1)
        if self.padding == "valid" and min(merged.size) <= reach:
            raise LayerShapeError(
                f"a valid {self.kernel}×{self.kernel} convolution needs at least {reach + 1}×{reach + 1}; {REMEDY}"
            )
        trim = reach if self.padding == "valid" else 0
        height, width = ((side - trim - 1) // self.stride + 1 for side in merged.size)
        return Shape(self.feature_maps, height, width)

    def with_feature_maps(self, count: int) -> "Convolution":
        return self.model_copy(update={"feature_maps": count})

    def parameters(self, merged: Shape) -> int:
        return self.feature_maps * (merged.feature_maps // self.groups * self.kernel**2 + self.bias)

    def macs(self, merged: Shape) -> int:
        return self.output_shape(merged).numel * (merged.feature_maps // self.groups) * self.kernel**2


@register
class SeparableConvolution(Layer):
    """A depthwise convolution, one window for each feature map, and a 1×1 convolution that mixes them.

    Attributes:
        feature_maps: how many it gives.
        kernel: height and width of the depthwise window; zeros around the edge keep height and width at stride 1.
        stride: rows and columns from one window to the next.
        bias: whether each feature map that it gives has a bias.
        activation: what follows.
    """

    kind: Literal["separable-conv"]
    feature_maps: Count
    kernel: Count = 3
    stride: Count = 1
    bias: Switch = False
    activation: Activation = "relu"

    stem = "separable"
    module = f"{_MODULES}:SeparableConvolution"

    def output_shape(self, merged: Shape) -> Shape:
        height, width = ((side - 1) // self.stride + 1 for side in merged.size)
        return Shape(self.feature_maps, height, width)

    def with_feature_maps(self, count: int) -> "SeparableConvolution":
        return self.model_copy(update={"feature_maps": count})

    def parameters(self, merged: Shape) -> int:
        return merged.feature_maps * self.kernel**2 + self.feature_maps * (merged.feature_maps + self.bias)

    def macs(self, merged: Shape) -> int:
        output = self.output_shape(merged)
        return output.height * output.width * merged.feature_maps * (self.kernel**2 + self.feature_maps)


class _Window(Layer):
    """Non-overlapping windows; rows and columns that do not fill one are left out."""

    size: Count = 2

    keeps_feature_maps = True

    def output_shape(self, merged: Shape) -> Shape:
        if min(merged.size) < self.size:
            raise LayerShapeError(f"{self.size}×{self.size} pooling needs at least {self.size}×{self.size}; {REMEDY}")
        return Shape(merged.feature_maps, merged.height // self.size, merged.width // self.size)


@register
class MaxPooling(_Window):
    """The maximum of each window; windows do not overlap, and rows and columns that do not fill one are left out.

    Attributes:
        size: height and width of a window.
    """

    kind: Literal["max-pool"]

    stem = "pool"
    module = f"{_MODULES}:MaxPooling"


@register
class AveragePooling(_Window):
    """The mean of each window; windows do not overlap, and rows and columns that do not fill one are left out.

    Attributes:
        size: height and width of a window.
    """

    kind: Literal["average-pool"]

    stem = "pool"
    module = f"{_MODULES}:AveragePooling"


@register
class GlobalPooling(Layer):
    """Each feature map becomes one number.

    Attributes:
        function: which number: the mean or the maximum.
    """

    kind: Literal["global-pool"]
    function: Literal["average", "max"] = "average"

    stem = "global"
    module = f"{_MODULES}:GlobalPooling"
    keeps_feature_maps = True

    def output_shape(self, merged: Shape) -> Shape:
        return Shape(merged.feature_maps, 1, 1)


class _SameShape(Layer):
    """A layer whose output has the shape of its merge, each feature map computed from its own."""

    keeps_feature_maps = True

    def output_shape(self, merged: Shape) -> Shape:
        return merged


@register
class Dropout(_SameShape):
    """Dropout of single activations.

    Attributes:
        rate: the share that is dropped in training.
    """

    kind: Literal["dropout"]
    rate: Fraction = 0.25

    stem = "dropout"
    module = f"{_MODULES}:Dropout"


@register
class BatchNorm(_SameShape):
    """Batch normalisation (Ioffe, Szegedy 2015) with a learned scale and shift, and its activation.

    Attributes:
        momentum: the weight of a new batch in the running mean and variance.
        epsilon: added to the variance.
        activation: what follows.
    """

    kind: Literal["batch-norm"]
    momentum: Fraction = 0.1
    epsilon: Positive = 1e-5
    activation: Activation = "none"

    stem = "norm"
    module = f"{_MODULES}:BatchNorm"

    def parameters(self, merged: Shape) -> int:
        return 2 * merged.feature_maps


@register
class ActivationLayer(_SameShape):
    """An activation on its own.

    Attributes:
        function: which.
    """

    kind: Literal["activation"]
    function: Activation = "relu"

    stem = "activation"
    module = f"{_MODULES}:ActivationLayer"


@register
class Linear(Layer):
    """A dense layer over all positions; it gives feature maps of 1×1.

    Attributes:
        feature_maps: how many it gives.
        bias: whether each has a bias.
        activation: what follows.
    """

    kind: Literal["linear"]
    feature_maps: Count
    bias: Switch = True
    activation: Activation = "relu"

    stem = "linear"
    module = f"{_MODULES}:Linear"

    def output_shape(self, merged: Shape) -> Shape:
        return Shape(self.feature_maps, 1, 1)

    def with_feature_maps(self, count: int) -> "Linear":
        return self.model_copy(update={"feature_maps": count})

    def parameters(self, merged: Shape) -> int:
        return self.feature_maps * (merged.numel + self.bias)

    def macs(self, merged: Shape) -> int:
        return self.feature_maps * merged.numel
