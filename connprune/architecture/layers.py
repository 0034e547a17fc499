"""The layers an architecture is made of, and what each does to the shape it reads.

`LAYERS` is the registry: a layer's `kind` in YAML is looked up there and nowhere else.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import PlainValidator, SerializeAsAny
from pydantic_core import PydanticCustomError

from connprune.architecture.base import Count, Fraction, Frozen, Name, Shape, Switch


class LayerShapeError(ValueError):
    """The shape that reaches a layer is too small for it."""


class Layer(Frozen):
    """A layer that reads one merge and gives feature maps.

    Attributes:
        name: identifies the layer; empty means that the architecture names it after its kind and number.
        kind: the layer's name in `LAYERS`.
    """

    name: Name | Literal[""] = ""
    kind: str

    # The stem of the names that are given to unnamed layers of this kind.
    stem: ClassVar[str]
    # Whether the layer's output has the feature maps of its input, each computed from its own input map alone.
    keeps_feature_maps: ClassVar[bool] = False
    # Whether a cut may take single feature maps away from the layer's output.
    can_lose_feature_maps: ClassVar[bool] = True

    def output_shape(self, merged: Shape) -> Shape:
        """The shape of the layer's output, given the shape of its merge.

        Raises:
            LayerShapeError: the merge is too small for the layer.
        """
        raise NotImplementedError(type(self).__name__)

    def with_feature_maps(self, count: int) -> Self:
        """The layer with so many feature maps in its output, of which a cut has removed the others."""
        return self

    def parameters(self, merged: Shape) -> int:
        """How many numbers the layer learns."""
        return 0

    def macs(self, merged: Shape) -> int:
        """Multiply-accumulate operations for one image; element-wise work and pooling count as none."""
        return 0


class Convolution(Layer):
    """A square 2-D convolution with stride 1 and its activation.

    Attributes:
        feature_maps: how many it gives.
        kernel: height and width of its window.
        padding: `same` keeps height and width with zeros around the edge; `valid` pads nothing.
        bias: whether each feature map has a bias.
        activation: what follows.
    """

    kind: Literal["conv"]
    feature_maps: Count
    kernel: Count = 3
    padding: Literal["same", "valid"] = "same"
    bias: Switch = False
    activation: Literal["relu", "none"] = "relu"

    stem = "conv"

    def output_shape(self, merged: Shape) -> Shape:
        if self.padding == "same":
            return merged._replace(feature_maps=self.feature_maps)
        if min(merged.size) < self.kernel:
            raise LayerShapeError(
                f"a valid {self.kernel}×{self.kernel} convolution needs at least {self.kernel}×{self.kernel}"
            )
        trim = self.kernel - 1
        return Shape(self.feature_maps, merged.height - trim, merged.width - trim)

    def with_feature_maps(self, count: int) -> Self:
        return self.model_copy(update={"feature_maps": count})

    def parameters(self, merged: Shape) -> int:
        return self.feature_maps * (merged.feature_maps * self.kernel**2 + self.bias)

    def macs(self, merged: Shape) -> int:
        return self.output_shape(merged).numel * merged.feature_maps * self.kernel**2


class MaxPooling(Layer):
    """Non-overlapping max-pooling; rows and columns that do not fill a window are left out.

    Attributes:
        size: height and width of a window.
    """

    kind: Literal["max-pool"]
    size: Count = 2

    stem = "pool"
    keeps_feature_maps = True

    def output_shape(self, merged: Shape) -> Shape:
        if min(merged.size) < self.size:
            raise LayerShapeError(f"{self.size}×{self.size} pooling needs at least {self.size}×{self.size}")
        return Shape(merged.feature_maps, merged.height // self.size, merged.width // self.size)


class Dropout(Layer):
    """Dropout of single activations.

    Attributes:
        rate: the share that is dropped in training.
    """

    kind: Literal["dropout"]
    rate: Fraction = 0.25

    stem = "dropout"
    keeps_feature_maps = True

    def output_shape(self, merged: Shape) -> Shape:
        return merged


LAYERS: dict[str, type[Layer]] = {"conv": Convolution, "max-pool": MaxPooling, "dropout": Dropout}


def _layer(value: Any) -> Layer:
    if isinstance(value, Layer):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError("layer_type", "expected a mapping with a kind, like {{kind: conv, feature_maps: 32}}")
    if not isinstance(value.get("kind"), str) or value["kind"] not in LAYERS:
        raise PydanticCustomError(
            "layer_kind", "expected a kind, one of {kinds}", {"kinds": ", ".join(LAYERS), "choices": list(LAYERS)}
        )
    return LAYERS[value["kind"]].model_validate(value)


AnyLayer = Annotated[SerializeAsAny[Layer], PlainValidator(_layer)]
