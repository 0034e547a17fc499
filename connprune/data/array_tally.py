"""Counts what arrays of images are like, refuses what is no finite number, and says what a user may not expect."""

import math
from collections.abc import Iterator

import numpy as np

from connprune.data.tally import Tally, named
from connprune.errors import UsageError
from connprune.mistakes import Mistake


class ArrayTally:
    """What was counted.

    Args:
        kind: what values become: uint8 or float32.
    """

    def __init__(self, kind: str) -> None:
        self.kind = np.dtype(kind)
        self._pixels = Tally(None)
        self._plain: list[str] = []
        self._least: np.ndarray | None = None
        self._most: np.ndarray | None = None
        self._sums = [0, 0.0, 0.0]

    def counted(self, part: str, key: str, start: int, rows: np.ndarray) -> np.ndarray:
        """Counts some images of a part, and gives them in the type that they become.

        Args:
            part: `train`, `test` or `validation`.
            key: the name of their array.
            start: the number of the first in that array.
            rows: (count, feature maps, height, width).

        Raises:
            UsageError: a value is no finite number.
        """
        with np.errstate(over="ignore"):
            values = rows.astype(self.kind)
        if self.kind.kind == "f":
            finite = np.isfinite(values).reshape(len(values), -1).all(1)
            if not finite.all():
                where = int(np.argmin(finite))
                odd = rows[where][~np.isfinite(values[where])][0]
                hint = "replace such values, or leave these images out"
                raise UsageError(
                    Mistake(
                        key=f"{key}[{start + where}]", found=str(odd), expected="finite numbers of float32", hint=hint
                    )
                )
        flat = values.reshape(len(values), -1)
        plain = np.flatnonzero(flat.min(1) == flat.max(1))
        self._plain += [f"{key}[{start + number}]" for number in plain.tolist()]
        if part == "train":
            self._add(values)
        return values

    def _add(self, values: np.ndarray) -> None:
        if self.kind.kind == "u":
            self._pixels.levels += np.bincount(values.reshape(-1), minlength=256)
            return
        least, most = values.min((0, 2, 3)), values.max((0, 2, 3))
        self._least = least if self._least is None else np.minimum(self._least, least)
        self._most = most if self._most is None else np.maximum(self._most, most)
        exact = values.astype(np.float64)
        for number, value in enumerate((values.size, exact.sum(), (exact**2).sum())):
            self._sums[number] += value

    @property
    def std(self) -> float | None:
        """The standard deviation of all training values; None of pixel values."""
        count, total, squares = self._sums
        return math.sqrt(max(0.0, squares / count - (total / count) ** 2)) if count else None

    def notes(self) -> Iterator[str]:
        """A sentence on each thing that a user may not expect."""
        if self.kind.kind == "u":
            yield from self._pixels.notes()
        elif self._least is not None and self._most is not None:
            least, most = float(self._least.min()), float(self._most.max())
            yield f"values are trained on as float32, from {least:g} to {most:g}."
            same = [str(number) for number in np.flatnonzero(self._least == self._most).tolist()]
            if same:
                yield f"of one single value in all training images: channel {named(same)}, counted from 0."
        if self._plain:
            count = len(self._plain)
            yield f"{count:,} image{'s have' if count > 1 else ' has'} one single value: {named(self._plain)}."
