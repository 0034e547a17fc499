"""Normalisations as data: layers of their own, and parts of other layers."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from connprune.architecture.base import Count, Fraction, Frozen, LayerShapeError, Positive, Shape, UnsuitableKeyError


class Norm(Frozen):
    """What is brought to mean 0 and variance 1, before each feature map gets a learned scale and shift.

    Attributes:
        kind: `batch`, each feature map over the batch (Ioffe, Szegedy 2015); `group`, neighbouring feature maps of one
            image together (Wu, He 2018); `layer`, all feature maps of one image together (Ba, Kiros, Hinton 2016).
        momentum: of `batch`, the weight of a new batch in the running mean and variance.
        epsilon: added to the variance.
        group_size: of `group`, how many feature maps are normalised together; it must divide their number.
    """

    kind: Literal["batch", "group", "layer"]
    momentum: Fraction = 0.1
    epsilon: Positive = 1e-5
    group_size: Count | None = None

    @model_validator(mode="after")
    def _check_group_size(self) -> Self:
        if self.kind == "group" and self.group_size is None:
            raise ValueError("a group normalisation needs its size, like {kind: group, group_size: 16}")
        if self.kind != "group" and self.group_size is not None:
            raise UnsuitableKeyError("group_size", f"group_size belongs to the kind group, but this one is {self.kind}")
        return self

    def together(self, maps: int) -> int:
        """How many of so many feature maps are normalised together."""
        match self.kind:
            case "batch":
                return 1
            case "group":
                return self.group_size or 1
            case "layer":
                return maps

    def require(self, shape: Shape) -> None:
        """Refuses what cannot be normalised.

        Raises:
            LayerShapeError: the groups do not divide the feature maps, or are of a single value.
        """
        together = self.together(shape.feature_maps)
        if shape.feature_maps % together:
            raise LayerShapeError(
                f"groups of {together} do not divide the {shape.feature_maps} feature maps that it normalises"
            )
        if self.kind != "batch" and together * shape.height * shape.width == 1:
            raise LayerShapeError("it normalises each value by itself, which leaves nothing of it")

    def parameters(self, maps: int) -> int:
        """How many numbers are learned: a scale and a shift for each feature map."""
        return 2 * maps


def _by_name(value: Any) -> Any:
    if value == "none":
        return None
    return {"kind": value} if isinstance(value, str) else value


OptionalNorm = Annotated[
    Norm | None, BeforeValidator(_by_name, json_schema_input_type=Norm | Literal["batch", "layer", "none"] | None)
]
