"""Image files and arrays that belong to no data set, brought to what a network was trained on."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, cast

import numpy as np

from connprune.architecture.base import Shape
from connprune.data.array_files import ArrayFile, array_file
from connprune.data.array_parts import images_in
from connprune.data.decoding import RangeWantedError, bombs_refused, suffixes
from connprune.data.named import SOURCES
from connprune.data.reading import pictures
from connprune.data.settings import DataSettings
from connprune.errors import UsageError

# Rows of an array that are read at once.
_ROWS_AT_ONCE = 256


class Single(NamedTuple):
    """An image.

    Attributes:
        name: of its file; of an image in an array with its number, from 0.
        pixels: (feature maps, height, width) uint8 or float32, as the network takes it; or why it cannot be read.
        resized: whether it had another size than the training's images, which were not resized.
    """

    name: str
    pixels: np.ndarray | str
    resized: bool


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files, and of folders the image files in them, by name.

    Raises:
        UsageError: there is nothing at a path, or a folder has no image.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in suffixes() and file.is_file())
            if not inside:
                raise UsageError(f"{path}: this folder has no image files; name a folder of images, or files.")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise UsageError(f"{path}: there is no such file.")
    return files


def read_singles(
    files: Sequence[Path], shape: Shape, settings: DataSettings, values: str = "uint8"
) -> Generator[Single, None, None]:
    """Reads image files, and files of arrays, as the images of a data set were read, in their order.

    Args:
        files: of any size.
        shape: of what the network takes.
        settings: of the data set.
        values: the type of the values that the network takes.

    Raises:
        UsageError: an image has more than 8 bits, and the data set's images had no more.
    """
    for is_array, several in groupby(files, lambda path: array_file(path) is not None):
        if is_array:
            for path in several:
                yield from _in_arrays(path, shape, settings, values)
        elif values == "uint8":
            yield from _in_images(list(several), shape, settings)
        else:
            why = f"an image file has no {values} values, which the network was trained on; name a .npy or .npz file"
            yield from (Single(str(path), why, resized=False) for path in several)


def _in_arrays(path: Path, shape: Shape, settings: DataSettings, values: str) -> Iterator[Single]:
    """The images of an array in a file: of the only one, or of `images`."""
    with TemporaryDirectory() as scratch:
        try:
            file = cast("ArrayFile", array_file(path))
            name, layout, count = images_in(file, shape, settings.as_sequence, values, settings.layout)
            rows = file.rows(name, Path(scratch) / "array")
            for start in range(0, count, _ROWS_AT_ONCE):
                several = layout.arranged(rows[start : min(start + _ROWS_AT_ONCE, count)]).astype(values)
                for number, one in enumerate(several, start):
                    unknown = not np.isfinite(one).all()
                    pixels = "a value is no finite number" if unknown else one
                    yield Single(f"{path}[{number}]", pixels, resized=False)
        except UsageError as error:
            yield Single(str(path), str(error), resized=False)


def _in_images(files: Sequence[Path], shape: Shape, settings: DataSettings) -> Iterator[Single]:
    original = _before_steps(shape, settings)
    wanted = settings.model_copy(update={"size": original.size, "channels": original.feature_maps})
    # As they are, to see which have to be resized although the training's were not.
    as_they_are = settings.size is None
    first = wanted.model_copy(update={"size": None}) if as_they_are else wanted
    try:
        with bombs_refused(), closing(pictures(files, first)) as read:
            for path, (_, picture) in zip(files, read, strict=True):
                pixels = picture if isinstance(picture, str) else picture.pixels
                resized = not isinstance(pixels, str) and pixels.shape != original
                if resized:
                    (again,) = pictures([path], wanted)
                    pixels = again.picture if isinstance(again.picture, str) else again.picture.pixels
                if settings.as_sequence and not isinstance(pixels, str):
                    pixels = pixels.transpose(0, 2, 1).reshape(shape)
                yield Single(str(path), pixels, resized)
    except RangeWantedError:
        raise UsageError(
            "An image has more than 8 bits, but those of the training had not, so no range of values is known for it."
        ) from None


def _before_steps(shape: Shape, settings: DataSettings) -> Shape:
    """The shape of an image before its rows became steps."""
    if not settings.as_sequence:
        return shape
    is_named = settings.source in SOURCES
    channels = SOURCES[settings.source].shape.feature_maps if is_named else settings.channels
    return Shape(channels, shape.width, shape.feature_maps // channels)
