"""Merges as data: how the connections into a layer become one tensor, and what that does to shapes and counts."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connprune.architecture.base import Count, Frozen, NonNegativeInt, Shape

Aggregate = Literal["concat", "sum", "max", "squeeze"]
Resize = Literal["smallest", "pad"]
Interpolation = Literal["bilinear", "nearest", "bicubic", "area", "max-pool"]


class Merge(Frozen):
    """How the connections into a layer become one tensor.

    Attributes:
        aggregate: `concat`, one behind the other along the feature maps; `sum` and `max`, feature map by feature map,
            inputs with fewer of them filled up with zeros; `squeeze`, concat and then a learned 1×1 convolution.
        resize: `smallest`, to the smallest height and width among the inputs; `pad`, zeros around up to the largest.
        interpolation: how feature maps are resized to the smallest.
        feature_maps: how many a squeeze gives; null is its `share` of what it reads.
        share: the share of the feature maps that a squeeze gives, rounded up.
        size: height and width to resize to; null is the smallest or the largest.
    """

    aggregate: Aggregate = "concat"
    resize: Resize = "smallest"
    interpolation: Interpolation = "bilinear"
    feature_maps: Count | None = None
    share: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.5
    size: tuple[Count, Count] | None = None

    @model_validator(mode="after")
    def _check_feature_maps(self) -> Self:
        if self.feature_maps is not None and not self.mixes:
            raise ValueError(f"feature_maps belongs to the aggregate squeeze, but this one is {self.aggregate}")
        return self

    @property
    def stacks(self) -> bool:
        """Whether the inputs' feature maps stand one behind the other before anything else happens to them."""
        return self.aggregate in ("concat", "squeeze")

    @property
    def only_stacks(self) -> bool:
        """Whether nothing else happens to them."""
        return self.stacks and not self.mixes

    @property
    def mixes(self) -> bool:
        """Whether each feature map of the merge is made of all that the connections bring, by weights of its own."""
        return self.aggregate == "squeeze"

    def merged_maps(self, maps: Sequence[int]) -> int:
        """The feature maps of the merge of inputs with so many each, or for `sum` and `max` reaching so far each."""
        match self.aggregate:
            case "concat":
                return sum(maps)
            case "sum" | "max":
                return max(maps)
            case "squeeze":
                return self.feature_maps or math.ceil(self.share * sum(maps))

    def merged_size(self, inputs: Sequence[Shape]) -> tuple[int, int]:
        """The height and width that all inputs are brought to."""
        if self.size is not None:
            return self.size
        choose = min if self.resize == "smallest" else max
        return choose(shape.height for shape in inputs), choose(shape.width for shape in inputs)

    def parameters(self, maps: Sequence[int]) -> int:
        """How many numbers the merge itself learns: the 1×1 convolution of a squeeze."""
        return sum(maps) * self.merged_maps(maps) if self.mixes else 0


class Selection(Frozen):
    """The feature maps of a source that a connection carries, where it does not carry all of them in their order.

    Attributes:
        take: their numbers among those that the source gives.
        at: for the aggregates `sum` and `max`, which feature map of the merge each one goes into; null is in order.
    """

    take: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]
    at: tuple[NonNegativeInt, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.at is not None and len(self.at) != len(self.take):
            raise ValueError(f"take has {len(self.take)} numbers, but at has {len(self.at)}")
        for name, numbers in (("take", self.take), ("at", self.at or ())):
            if len(set(numbers)) < len(numbers):
                raise ValueError(f"{name} names a feature map twice")
        return self


class MergeOverride(Frozen):
    """What one target's merge does otherwise than the architecture's `merge`; null is the same.

    Attributes:
        aggregate: as in `merge`.
        resize: as in `merge`.
        interpolation: as in `merge`.
        feature_maps: as in `merge`.
        share: as in `merge`.
        size: as in `merge`; a cut sets it where the input that was smallest has gone.
    """

    aggregate: Aggregate | None = None
    resize: Resize | None = None
    interpolation: Interpolation | None = None
    feature_maps: Count | None = None
    share: Annotated[float, Field(strict=True, gt=0, le=1)] | None = None
    size: tuple[Count, Count] | None = None

    def over(self, merge: Merge) -> Merge:
        """The merge with what is set here."""
        fields = merge.model_dump()
        if self.aggregate not in (None, "squeeze"):
            fields["feature_maps"] = None
        return Merge(**{**fields, **self.model_dump(exclude_none=True)})
