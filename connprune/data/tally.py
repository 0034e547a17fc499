"""Counts what a folder's images are like, and says what a user may not expect of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from connprune.data.decoding import Picture

_NAMED_AT_MOST = 5
# A range is little used if its middle 99.8% of pixels lie within a quarter of it.
_TAIL, _LITTLE = 0.001, 64


@dataclass
class Tally:
    """What was counted.

    Attributes:
        range: the values that become 0 and 255 in files of more than 8 bits, as the settings have it.
        images: how many.
        deep, beyond, halved, frames: how many of them; see `Picture`.
        plain: the names of those of one single value.
        levels: how often the training images have each value, (256,).
    """

    range: tuple[int, int] | None
    images: int = 0
    deep: int = 0
    beyond: int = 0
    halved: int = 0
    frames: int = 0
    plain: list[str] = field(default_factory=list)
    levels: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))

    def add(self, part: str, name: str, picture: Picture) -> None:
        """Counts an image of a part."""
        self.images += 1
        self.deep += picture.deep
        self.beyond += picture.beyond
        self.halved += picture.halved
        self.frames += picture.frames
        if picture.is_plain:
            self.plain.append(name)
        if part == "train":
            self.levels += picture.levels.sum(0)

    def notes(self) -> Iterator[str]:
        """A sentence on each thing that a user may not expect."""
        if self.frames:
            yield f"{_images(self.frames)} several frames or pages, of which the first is taken."
        if self.halved:
            yield f"{_images(self.halved)} 16 bits a channel in colour, of which Pillow keeps the upper 8."
        yield from self._notes_on_range()
        if self.plain:
            yield f"{_images(len(self.plain))} one single value: {named(self.plain)}."
        if self.beyond:
            yield f"{_images(self.beyond)} values outside of data.range, which become its ends."

    def _notes_on_range(self) -> Iterator[str]:
        low, high = self.range or (0, 255)
        if self.deep:
            others = f"; the other {self.images - self.deep:,} have 8, and stay as they are" * (self.deep < self.images)
            yield (
                f"{_images(self.deep)} more than 8 bits: the values {low} to {high} become 0 to 255 "
                f"(data.range){others}."
            )
        elif self.range:
            yield "data.range is not used: no image has more than 8 bits."
        shares = self.levels.cumsum() / max(1, self.levels.sum())
        first, last = int((shares > _TAIL).argmax()), int((shares >= 1 - _TAIL).argmax())
        if last - first >= _LITTLE:
            return
        if self.deep == self.images:
            values = [low + level * (high - low) // 255 for level in (first, min(255, last + 1))]
            yield (
                f"nearly all pixels of train have values from {values[0]} to {values[1]}, a small part of the range "
                f"{low} to {high}; data.range=[{values[0]}, {values[1]}] would spread them."
            )
        else:
            yield f"nearly all pixels of train have values from {first} to {last}, a small part of 0 to 255."


def _images(count: int) -> str:
    return f"{count:,} image{'s have' if count > 1 else ' has'}"


def named(names: Sequence[str], mark: str = ", ") -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"{mark.join(names[:_NAMED_AT_MOST])}{more}"
