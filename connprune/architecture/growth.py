"""How a block grows: into how many copies, over which stages, and how wide."""

from dataclasses import dataclass, replace
from fractions import Fraction

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.errors import UsageError

STEM = "stem"
POOL = "-pool"
# The stem halves larger images until the first stage has no more rows and columns than this.
_LARGEST_SIDE = 64
# Without a word no stage has fewer rows and columns than this.
_LEAST_SIDE = 7
_LONGEST_NAME = 64


@dataclass(frozen=True)
class Growth:
    """How a block becomes a network.

    Attributes:
        shape: of an image.
        classes: how many.
        repeat: copies of the block, at least one.
        stages: what the copies are spread over, at most as many as there are copies; None is as many as leave the last
            stage 7 rows or columns.
        width: what all feature maps of the block are multiplied by, in the first stage; above 0.

    Raises:
        UsageError: there are more stages than copies, or than images of this size can be halved for.
    """

    shape: Shape
    classes: int
    repeat: int = 1
    stages: int | None = None
    width: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if self.stages is None:
            return
        if self.stages > self.repeat:
            raise UsageError(f"found {self.stages} stages of {self.repeat} copies, expected at least a copy for each.")
        most = 1 + (max(self.first_size) - 1).bit_length()
        if self.stages > most:
            side = f"{self.first_size[0]}×{self.first_size[1]}"
            raise UsageError(f"found {self.stages} stages, expected at most {most}: the first is of {side} already.")

    @classmethod
    def of(
        cls, shape: Shape, classes: int, repeat: int | None, stages: int | None, width: Fraction = Fraction(1)
    ) -> "Growth":
        """The growth with one copy for each stage if nothing else is said."""
        one = cls(shape, classes, stages or 1, stages, width)
        return replace(one, repeat=repeat or stages or one.usual_stages)

    @property
    def halvings(self) -> int:
        """How often the stem halves height and width."""
        return next(count for count in range(64) if max(halved(self.shape.size, count)) <= _LARGEST_SIDE)

    @property
    def first_size(self) -> tuple[int, int]:
        """Height and width in the first stage."""
        return halved(self.shape.size, self.halvings)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of each stage."""
        return tuple(halved(self.first_size, stage) for stage in range(self.stage_of[-1] + 1))

    @property
    def usual_stages(self) -> int:
        """As many as leave the last one 7 rows or columns."""
        side = max(self.first_size)
        return 1 + sum(-(-side >> count) >= _LEAST_SIDE for count in range(1, 64))

    @property
    def stage_of(self) -> tuple[int, ...]:
        """For each copy its stage, from 0: as evenly as it goes, the first ones have the more."""
        stages = self.stages or min(self.repeat, self.usual_stages)
        return tuple(copy * stages // self.repeat for copy in range(self.repeat))


def copied(copy: int, layer: str) -> str:
    """The name of a layer in a copy, counted from 1."""
    return f"b{copy}-{layer}"


def transition(copy: int) -> str:
    """The name of the layer behind a copy, counted from 1, that is the input of the next one."""
    return f"transition{copy}"


def name_in(block: Architecture, copy: int, layer: str) -> str:
    """The name of a layer in a copy; its number stands in for one that would become too long."""
    name = copied(copy, layer)
    # No layer's name begins with a digit.
    return name if len(name) <= _LONGEST_NAME else copied(copy, str(list(block.layer).index(layer) + 1))


def halved(size: tuple[int, int], times: int) -> tuple[int, int]:
    """Height and width after so many strides of 2, rounded up each time."""
    height, width = size
    return -(-height // 2**times), -(-width // 2**times)
