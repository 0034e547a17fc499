"""Merges as data: how the connections into a layer become one tensor, and what that does to shapes and counts."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connprune.architecture.aggregates import AGGREGATES
from connprune.architecture.base import Count, Frozen, NonNegativeInt, Shape, UnsuitableKeyError
from connprune.architecture.registered import OneOf, own_keys, takers

AggregateName = Annotated[str, OneOf(AGGREGATES)]
Resize = Literal["smallest", "pad"]
Interpolation = Literal["bilinear", "nearest", "bicubic", "area", "max-pool"]


class Merge(Frozen):
    """How the connections into a layer become one tensor.

    Attributes:
        aggregate: what becomes of the inputs' feature maps.
        resize: `smallest`, to the smallest height and width among the inputs; `pad`, zeros around up to the largest.
        interpolation: how feature maps are resized to the smallest.
        feature_maps: how many an aggregate that can choose gives; null is its `share` of what it reads.
        share: the share of the feature maps that it gives, rounded up.
        denominator: what a mean divides by; null is the number of connections into the target.
        size: height and width to resize to; null is the smallest or the largest of the inputs from before the target.
    """

    aggregate: AggregateName = "concat"
    resize: Resize = "smallest"
    interpolation: Interpolation = "bilinear"
    feature_maps: Count | None = None
    share: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.5
    denominator: Count | None = None
    size: tuple[Count, Count] | None = None

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        for key in own_keys(AGGREGATES) - AGGREGATES[self.aggregate].keys:
            if getattr(self, key) is not None:
                raise UnsuitableKeyError(
                    key, f"{key} belongs to the aggregate {takers(AGGREGATES, key)}, but this one is {self.aggregate}"
                )
        return self

    def merged_size(self, inputs: Sequence[Shape]) -> tuple[int, int] | None:
        """The height and width that all inputs are brought to; None if nothing says so.

        Args:
            inputs: those of the same pass; what backward connections bring is brought to their size.
        """
        if self.size is not None or not inputs:
            return self.size
        choose = min if self.resize == "smallest" else max
        return choose(shape.height for shape in inputs), choose(shape.width for shape in inputs)


class Selection(Frozen):
    """The feature maps of a source that a connection carries, where it does not carry all of them in their order.

    Of a backward connection a cut states them also where these are all, if its source gives as many as it reads: around
    such a cycle other numbers of feature maps may agree with each other too.

    Attributes:
        take: their numbers among those that the source gives.
        at: where the aggregate goes feature map by feature map, which of the merge's each one goes into; null is in
            order.
    """

    take: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]
    at: tuple[NonNegativeInt, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.at is not None and len(self.at) != len(self.take):
            raise UnsuitableKeyError("take", f"take has {len(self.take)} numbers, but at has {len(self.at)}")
        for name, numbers in (("take", self.take), ("at", self.at or ())):
            if len(set(numbers)) < len(numbers):
                raise UnsuitableKeyError(name, f"{name} names a feature map twice")
        return self


class MergeOverride(Frozen):
    """What one target's merge does otherwise than the architecture's `merge`; null is the same.

    Attributes:
        aggregate: as in `merge`.
        resize: as in `merge`.
        interpolation: as in `merge`.
        feature_maps: as in `merge`.
        share: as in `merge`.
        denominator: as in `merge`; a cut sets it where a mean has lost connections.
        size: as in `merge`; a cut sets it where the input that was smallest has gone.
    """

    aggregate: AggregateName | None = None
    resize: Resize | None = None
    interpolation: Interpolation | None = None
    feature_maps: Count | None = None
    share: Annotated[float, Field(strict=True, gt=0, le=1)] | None = None
    denominator: Count | None = None
    size: tuple[Count, Count] | None = None

    def over(self, merge: Merge) -> Merge:
        """The merge with what is set here."""
        fields = merge.model_dump()
        if self.aggregate is not None:
            fields |= dict.fromkeys(own_keys(AGGREGATES) - AGGREGATES[self.aggregate].keys)
        if self.share is not None:
            fields["feature_maps"] = None  # Which the architecture's merge may have, and which would come first.
        return Merge(**{**fields, **self.model_dump(exclude_none=True)})
