"""Image files that belong to no data set, brought to what a network was trained on."""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from connprune.architecture.base import Shape
from connprune.data.decoding import RangeWantedError, bombs_refused, suffixes
from connprune.data.named import SOURCES
from connprune.data.reading import pictures
from connprune.data.settings import DataSettings
from connprune.errors import UsageError


class Single(NamedTuple):
    """An image file.

    Attributes:
        path: of the file.
        pixels: (feature maps, height, width) uint8, as the network takes it; or why it cannot be read.
        resized: whether it had another size than the training's images, which were not resized.
    """

    path: Path
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


def read_singles(files: Sequence[Path], shape: Shape, settings: DataSettings) -> Generator[Single, None, None]:
    """Reads image files as the images of a data set were read, in their order.

    Args:
        files: of any size.
        shape: of what the network takes.
        settings: of the data set.

    Raises:
        UsageError: an image has more than 8 bits, and the data set's images had no more.
    """
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
                yield Single(path, pixels, resized)
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
