"""Labels beside points in a plane, so that none lies on another, on a point, or outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import cos, hypot, pi, sin


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    width: float
    height: float

    def overlap(self, other: "Box") -> float:
        """The area that both cover."""
        wide = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        high = min(self.bottom + self.height, other.bottom + other.height) - max(self.bottom, other.bottom)
        return max(wide, 0.0) * max(high, 0.0)

    @property
    def area(self) -> float:
        """Width times height."""
        return self.width * self.height


# In inches: half of what a point covers, and how far from it labels are tried; in which directions, right first.
_HALF_POINT = 0.05
_DISTANCES = (0.09, 0.2, 0.32, 0.45, 0.6, 0.8, 1.0)
_DIRECTIONS = tuple(sign * turn * pi / 8 for turn, sign in product(range(9), (1, -1)))


def beside(points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], area: Box) -> list[Box]:
    """Where the labels of points go: as near as may be, the first ones having the choice.

    Args:
        points: in inches.
        sizes: width and height of each label, in inches; the points beyond these have none.
        area: what labels may not leave.
    """
    taken = [Box(x - _HALF_POINT, y - _HALF_POINT, 2 * _HALF_POINT, 2 * _HALF_POINT) for x, y in points]
    boxes: list[Box] = []
    for (x, y), (width, height) in zip(points, sizes, strict=False):
        tried = []
        for distance, angle in product(_DISTANCES, _DIRECTIONS):
            across, up = distance * cos(angle), distance * sin(angle)
            # The label's nearest edge lies at the distance, its middle in the direction.
            left = x + across - width * (1 - cos(angle)) / 2
            box = Box(left, y + up - height * (1 - sin(angle)) / 2, width, height)
            tried.append(box)
        best = min(tried, key=lambda box: _clash(box, taken, area))
        boxes.append(best)
        taken.append(best)
    return boxes


def _clash(box: Box, taken: Sequence[Box], area: Box) -> float:
    """How much of a label would lie on something or outside; ties go to the one that was tried first."""
    outside = box.area - box.overlap(area)
    return round(outside * 4 + sum(box.overlap(other) for other in taken), 6)


def is_far(point: tuple[float, float], box: Box) -> bool:
    """Whether a label lies so far from its point that a line has to lead there."""
    x, y = nearest(point, box)
    return hypot(x - point[0], y - point[1]) > 0.16


def nearest(point: tuple[float, float], box: Box) -> tuple[float, float]:
    """The place of a box that is nearest to a point."""
    x = min(max(point[0], box.left), box.left + box.width)
    return x, min(max(point[1], box.bottom), box.bottom + box.height)
