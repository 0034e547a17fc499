"""The layers of sequence networks. A sequence is an image one row high: features × 1 × steps."""

from typing import ClassVar, Literal

from connprune.architecture.base import Count, LayerShapeError, Shape, Switch
from connprune.architecture.blocks import Blocks
from connprune.architecture.image_layers import AveragePooling, MaxPooling
from connprune.architecture.layers import Layer, register
from connprune.architecture.norms import OptionalNorm
from connprune.architecture.weighted import REMEDY, Activation, Order, Weighted

_MODULES = "connprune.network.sequence_layers"


def _refuse_images(kind: str, merged: Shape) -> None:
    if merged.height != 1:
        raise LayerShapeError(f"{kind} reads sequences, one row high; data.as_sequence turns images into them")


@register
class SequenceConvolution(Weighted):
    """A convolution along the steps, with its normalisation and its activation.

    Attributes:
        feature_maps: how many features it gives for each step.
        kernel: steps that its window sees.
        padding: `same` keeps the number of steps with zeros at both ends; `valid` pads nothing.
        bias: whether each feature has a bias.
    """

    kind: Literal["conv1d"] = "conv1d"
    feature_maps: Count
    kernel: Count = 3
    padding: Literal["same", "valid"] = "same"
    bias: Switch = False
    activation: Activation = "relu"
    norm: OptionalNorm = None
    order: Order = "conv-norm-act"

    stem = "conv"
    module = f"{_MODULES}:SequenceConvolution"

    def weighed_shape(self, merged: Shape) -> Shape:
        _refuse_images(self.kind, merged)
        if self.padding == "valid" and merged.width < self.kernel:
            raise LayerShapeError(
                f"a valid convolution over {self.kernel} steps needs at least {self.kernel}; {REMEDY}"
            )
        steps = merged.width - (self.kernel - 1 if self.padding == "valid" else 0)
        return Shape(self.feature_maps, 1, steps)

    def without_strides(self) -> "SequenceConvolution":
        return self.model_copy(update={"padding": "same"})

    def with_feature_maps(self, count: int) -> "SequenceConvolution":
        return self.model_copy(update={"feature_maps": count})

    def weights(self, merged: Shape) -> int:
        return self.feature_maps * (merged.feature_maps * self.kernel + self.bias)

    def macs(self, merged: Shape) -> int:
        return self.output_shape(merged).numel * merged.feature_maps * self.kernel


class _Recurrent(Layer):
    """A recurrent layer that gives its hidden state after each step."""

    feature_maps: Count

    # How many matrices a step multiplies with.
    matrices: ClassVar[int]

    def blocks(self, merged: Shape) -> Blocks:
        return Blocks(gives=self.feature_maps)

    def output_shape(self, merged: Shape) -> Shape:
        _refuse_images(self.kind, merged)
        return Shape(self.feature_maps, 1, merged.width)

    def parameters(self, merged: Shape) -> int:
        # PyTorch keeps a bias for the input and another for the hidden state.
        return self.matrices * self.feature_maps * (merged.feature_maps + self.feature_maps + 2)

    def macs(self, merged: Shape) -> int:
        return merged.width * self.matrices * self.feature_maps * (merged.feature_maps + self.feature_maps)


@register
class LSTM(_Recurrent):
    """A long short-term memory (Hochreiter, Schmidhuber 1997) that gives its hidden state after each step.

    Attributes:
        feature_maps: the size of the hidden state.
    """

    kind: Literal["lstm"] = "lstm"

    stem = "lstm"
    module = f"{_MODULES}:LSTM"
    matrices = 4


@register
class GRU(_Recurrent):
    """A gated recurrent unit (Cho et al. 2014) that gives its hidden state after each step.

    Attributes:
        feature_maps: the size of the hidden state.
    """

    kind: Literal["gru"] = "gru"

    stem = "gru"
    module = f"{_MODULES}:GRU"
    matrices = 3


class _SequenceWindow(Layer):
    """Non-overlapping windows of steps; steps that do not fill one are left out."""

    size: Count = 2

    keeps_feature_maps = True

    def output_shape(self, merged: Shape) -> Shape:
        _refuse_images(self.kind, merged)
        if merged.width < self.size:
            raise LayerShapeError(f"pooling over {self.size} steps needs at least {self.size}; {REMEDY}")
        return Shape(merged.feature_maps, 1, merged.width // self.size)

    def _sliding(self, pooling: type[MaxPooling | AveragePooling]) -> Layer:
        """The pooling of images with this window, step by step."""
        return pooling(name=self.name, size=(1, self.size), stride=1, padding="same")


@register
class SequenceMaxPooling(_SequenceWindow):
    """The maximum of each window of steps; steps that do not fill one are left out.

    Attributes:
        size: steps in a window.
    """

    kind: Literal["max-pool1d"] = "max-pool1d"

    stem = "pool"
    module = f"{_MODULES}:SequenceMaxPooling"

    def without_strides(self) -> Layer:
        return self._sliding(MaxPooling)


@register
class SequenceAveragePooling(_SequenceWindow):
    """The mean of each window of steps; steps that do not fill one are left out.

    Attributes:
        size: steps in a window.
    """

    kind: Literal["average-pool1d"] = "average-pool1d"

    stem = "pool"
    module = f"{_MODULES}:SequenceAveragePooling"

    def without_strides(self) -> Layer:
        return self._sliding(AveragePooling)
