"""The layers of image networks that mix no feature maps: pooling, dropout, normalisations, activations."""

from typing import Literal

from connprune.architecture.base import Count, Fraction, LayerShapeError, Positive, Shape
from connprune.architecture.blocks import Blocks, normalised
from connprune.architecture.layers import Layer, register
from connprune.architecture.norms import Norm
from connprune.architecture.weighted import REMEDY, Activation
from connprune.architecture.windows import Padding, Window, reach, shown, sides, slid

_MODULES = "connprune.network.image_layers"


class _Pooling(Layer):
    """Windows that slide over each feature map."""

    size: Window = 2
    stride: Count | None = None
    padding: Padding = "valid"

    stem = "pool"
    keeps_feature_maps = True

    def output_shape(self, merged: Shape) -> Shape:
        small = [side for side, window in zip(merged.size, sides(self.size), strict=True) if side < window]
        if small and self.padding == "valid":
            raise LayerShapeError(f"{shown(self.size)} pooling needs at least {shown(self.size)}; {REMEDY}")
        if any(window > 2 * side + 1 for side, window in zip(merged.size, sides(self.size), strict=True)):
            raise LayerShapeError(f"a {shown(self.size)} window is more than twice as large; {REMEDY}")
        return Shape(merged.feature_maps, *slid(merged.size, reach(self.size), self.stride or self.size, self.padding))

    def without_strides(self) -> "_Pooling":
        return self.model_copy(update={"stride": 1, "padding": "same"})


@register
class MaxPooling(_Pooling):
    """The maximum of each window; rows and columns that do not fill one are left out.

    Attributes:
        size: height and width of a window: one number for both, or both, like [7, 1].
        stride: rows and columns from one window to the next; null is a window's own, so that they do not
            overlap.
        padding: `same` lets windows reach over the edge, so that stride 1 keeps height and width; beyond it there is
            nothing, so the maximum is of what is inside. `valid` keeps them inside.
    """

    kind: Literal["max-pool"] = "max-pool"

    module = f"{_MODULES}:MaxPooling"


@register
class AveragePooling(_Pooling):
    """The mean of each window; rows and columns that do not fill one are left out.

    Attributes:
        size: height and width of a window: one number for both, or both, like [7, 1].
        stride: rows and columns from one window to the next; null is a window's own, so that they do not
            overlap.
        padding: `same` lets windows reach over the edge, so that stride 1 keeps height and width; what is beyond it
            does not count, so the mean is of what is inside. `valid` keeps them inside.
    """

    kind: Literal["average-pool"] = "average-pool"

    module = f"{_MODULES}:AveragePooling"


@register
class GlobalPooling(Layer):
    """Each feature map becomes one number.

    Attributes:
        function: which number: the mean or the maximum.
    """

    kind: Literal["global-pool"] = "global-pool"
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

    kind: Literal["dropout"] = "dropout"
    rate: Fraction = 0.25

    stem = "dropout"
    module = f"{_MODULES}:Dropout"


class _Normalisation(_SameShape):
    """A normalisation as a layer of its own, and its activation."""

    stem = "norm"
    module = f"{_MODULES}:Normalisation"

    @property
    def norm(self) -> Norm:
        """How it normalises."""
        raise NotImplementedError(type(self).__name__)

    def blocks(self, merged: Shape) -> Blocks:
        return normalised(Blocks(linked=True), before=self.norm.together(merged.feature_maps))

    def norms(self, merged: Shape) -> tuple[tuple[Norm, Shape], ...]:
        return ((self.norm, merged),)

    def output_shape(self, merged: Shape) -> Shape:
        self.norm.require(merged)
        return merged

    def parameters(self, merged: Shape) -> int:
        return self.norm.parameters(merged.feature_maps)


@register
class BatchNorm(_Normalisation):
    """Batch normalisation (Ioffe, Szegedy 2015) with a learned scale and shift, and its activation.

    Attributes:
        momentum: the weight of a new batch in the running mean and variance.
        epsilon: added to the variance.
        activation: what follows.
    """

    kind: Literal["batch-norm"] = "batch-norm"
    momentum: Fraction = 0.1
    epsilon: Positive = 1e-5
    activation: Activation = "none"

    @property
    def norm(self) -> Norm:
        return Norm(kind="batch", momentum=self.momentum, epsilon=self.epsilon)


@register
class GroupNorm(_Normalisation):
    """Group normalisation (Wu, He 2018), in which neighbouring feature maps share mean and variance; its activation.

    Attributes:
        group_size: how many feature maps are normalised together; it must divide their number.
        epsilon: added to the variance.
        activation: what follows.
    """

    kind: Literal["group-norm"] = "group-norm"
    group_size: Count
    epsilon: Positive = 1e-5
    activation: Activation = "none"

    @property
    def norm(self) -> Norm:
        return Norm(kind="group", group_size=self.group_size, epsilon=self.epsilon)


@register
class LayerNorm(_Normalisation):
    """Layer normalisation (Ba, Kiros, Hinton 2016) over all feature maps and positions of an image, and its activation.

    Attributes:
        epsilon: added to the variance.
        activation: what follows.
    """

    kind: Literal["layer-norm"] = "layer-norm"
    epsilon: Positive = 1e-5
    activation: Activation = "none"

    @property
    def norm(self) -> Norm:
        return Norm(kind="layer", epsilon=self.epsilon)


@register
class ActivationLayer(_SameShape):
    """An activation on its own.

    Attributes:
        function: which.
    """

    kind: Literal["activation"] = "activation"
    function: Activation = "relu"

    stem = "activation"
    module = f"{_MODULES}:ActivationLayer"
