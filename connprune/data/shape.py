"""What an image folder holds and how large its images are, found without torch."""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from connprune.architecture.base import Shape
from connprune.data.settings import NAMED, DataSettings
from connprune.errors import ConnpruneError, UsageError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
PARTS = ("train", "test")

Listing = dict[str, dict[str, list[Path]]]


def image_shape(settings: DataSettings) -> tuple[Shape, int]:
    """The shape of an image and the number of classes, without loading the images.

    Raises:
        UsageError: there is no such data set or folder, or none of its images can be read.
    """
    shape, classes = _shape_of_source(settings)
    if settings.as_sequence:
        shape = Shape(shape.feature_maps * shape.width, 1, shape.height)
    return shape, classes


def _shape_of_source(settings: DataSettings) -> tuple[Shape, int]:
    if settings.source in NAMED:
        return NAMED[settings.source]
    folder = source_folder(settings)
    listing = list_folder(folder)
    for path in (path for files in listing["train"].values() for path in files):
        pixels = decode(path, settings)
        if not isinstance(pixels, str):
            return Shape(*pixels.shape), len(listing["train"])
    raise UsageError(f"data.source: none of the images in {folder / 'train'} can be read.")


def source_folder(settings: DataSettings) -> Path:
    """The folder that the source names.

    Raises:
        UsageError: there is none.
    """
    folder = Path(settings.source).expanduser()
    if not folder.is_dir():
        names = ", ".join(NAMED)
        raise UsageError(f"data.source: found {settings.source!r}, expected one of {names}, or an existing folder.")
    return folder


def list_folder(folder: Path) -> Listing:
    """The image files of each class of each part, sorted; not hidden ones, nor what links within a class lead to.

    Raises:
        UsageError: a part is missing or has no classes, a class has no images, or the parts differ in their classes.
    """
    listing: Listing = {}
    for part in PARTS:
        root = folder / part
        if not root.is_dir():
            raise UsageError(f"data.source: {folder} has no folder {part}/; expected {part}/<class>/<image>.")
        classes = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        if len(classes) < 2:
            raise UsageError(f"data.source: {root} has {len(classes)} class folders, expected at least 2.")
        listing[part] = {entry.name: _image_files(entry) for entry in classes}
        for name, files in listing[part].items():
            if not files:
                raise UsageError(f"data.source: {root / name} holds no images ({', '.join(sorted(SUFFIXES))}).")
    odd = sorted(set(listing["train"]) ^ set(listing["test"]))
    if odd:
        raise UsageError(f"data.source: {folder} has the class {odd[0]!r} in only one of train/ and test/.")
    return listing


def decode(path: Path, settings: DataSettings) -> np.ndarray | str:
    """One image, (channels, height, width) uint8; or the reason why it cannot be read."""
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _pixels(image, settings)
    except (ConnpruneError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise whatever they stumble over.
        return str(error).splitlines()[0] if str(error) else type(error).__name__


def _pixels(image: Image.Image, settings: DataSettings) -> np.ndarray:
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(f"its pixels have 32 bits (mode {image.mode}), expected 8 or 16")
    plain = image.convert("RGB" if settings.channels == 3 else "L")
    if settings.size:
        height, width = settings.size
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(plain)
    return pixels.transpose(2, 0, 1) if settings.channels == 3 else pixels[None]


def _image_files(folder: Path) -> list[Path]:
    found = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
