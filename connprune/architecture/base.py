"""What every piece of an architecture and of a configuration shares."""

from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

INPUT = "input"
HEAD = "head"
# A gate below this counts as closed in summaries; a cut is free to choose another threshold.
CLOSED = 0.01

# Strict numbers: "5", 5.0 and true are refused where a whole number belongs.
Count = Annotated[int, Field(strict=True, ge=1, le=10**9)]
NonNegativeInt = Annotated[int, Field(strict=True, ge=0, le=10**18)]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(strict=True, ge=0, lt=1)]
Switch = Annotated[bool, Field(strict=True)]
ClassCount = Annotated[int, Field(strict=True, ge=2, le=10**9)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=64)]
OptionalName = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]*)?$", max_length=64)]


class LayerShapeError(ValueError):
    """The shape that reaches a layer does not suit it."""


class UnsuitableKeyError(ValueError):
    """A key does not suit the others of its section.

    Args:
        key: its name.
        problem: what is wrong, in words.
    """

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


class Frozen(BaseModel):
    """Immutable data that refuses unknown keys."""

    # Of many kinds of layers and settings an architecture needs few.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Shape(NamedTuple):
    """The size of one image's activations: feature maps × height × width."""

    feature_maps: int
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def numel(self) -> int:
        """How many numbers one image has here."""
        return self.feature_maps * self.height * self.width

    def __str__(self) -> str:
        side = str(self.height) if self.height == self.width else f"{self.height}×{self.width}"
        return f"{self.feature_maps}@{side}"
