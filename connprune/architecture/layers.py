"""What a layer is as data, and the registry in which a layer's `kind` in YAML is looked up.

A layer is two classes: one here, which knows its keys, shapes and counts and needs no torch, and a torch module, which
the first one names and which is imported when a network is built.
"""

from typing import Annotated, ClassVar, Self

from pydantic import PlainValidator, SerializeAsAny

from connprune.architecture.base import Frozen, LayerShapeError, OptionalName, Shape
from connprune.architecture.blocks import Blocks
from connprune.architecture.kinds import kind_of, of_kind
from connprune.architecture.norms import Norm
from connprune.registry import Registry

__all__ = ["LAYERS", "AnyLayer", "Layer", "LayerShapeError", "register"]


class Layer(Frozen):
    """A layer that reads one merge and gives feature maps.

    Attributes:
        name: identifies the layer; empty means that the architecture names it after its kind and number.
        kind: the layer's name in the registry.
    """

    name: OptionalName = ""
    kind: str

    # The stem of the names that are given to unnamed layers of this kind.
    stem: ClassVar[str]
    # Where the torch module is, as "package.module:Class"; called with the layer and the shape of its merge.
    module: ClassVar[str]
    # Whether the layer's output has the feature maps of its input, each computed from its own input map alone.
    keeps_feature_maps: ClassVar[bool] = False

    def blocks(self, merged: Shape) -> Blocks:
        """Which feature maps stay or go together in a cut; here each by itself."""
        return Blocks(linked=self.keeps_feature_maps)

    def divisor(self) -> int:
        """What must divide the numbers of feature maps that it reads and gives, normalisations left out."""
        return 1

    def norms(self, merged: Shape) -> tuple[tuple[Norm, Shape], ...]:
        """What the layer normalises: how, and of which shape it is."""
        return ()

    def output_shape(self, merged: Shape) -> Shape:
        """The shape of the layer's output, given the shape of its merge.

        Raises:
            LayerShapeError: the merge does not suit the layer.
        """
        raise NotImplementedError(type(self).__name__)

    def with_feature_maps(self, count: int) -> Self:
        """The layer with so many feature maps in its output, of which a cut has removed the others."""
        return self

    def without_strides(self) -> "Layer":
        """The layer with windows that keep height and width; itself if it has none, or none of that kind."""
        return self

    def parameters(self, merged: Shape) -> int:
        """How many numbers the layer learns."""
        return 0

    def macs(self, merged: Shape) -> int:
        """Multiply-accumulate operations for one image; element-wise work and pooling count as none."""
        return 0


LAYERS: Registry[type[Layer]] = Registry("layer", "connprune.layers", kind_of, Layer)


def register(layer: type[Layer]) -> type[Layer]:
    """Adds a layer to the registry under its kind; usable as a decorator.

    Raises:
        UsageError: it is no layer, or another one has its kind.
    """
    return LAYERS.register(layer)


AnyLayer = Annotated[SerializeAsAny[Layer], PlainValidator(of_kind(LAYERS, Layer))]
