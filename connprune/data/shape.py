"""What an image folder holds and how large its images are, found without torch."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from connprune.architecture.base import Shape
from connprune.data.settings import NAMED, DataSettings
from connprune.errors import ConnpruneError, UsageError
from connprune.files import absolute
from connprune.names import nearest

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
# A file's content decides which decoder it gets, and of others some start programs: that of EPS starts Ghostscript.
_FORMATS = ("BMP", "GIF", "JPEG", "PPM", "PNG", "TIFF", "WEBP")
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
    listing = list_folder(folder, settings.follow_links)
    with bombs_refused():
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
    folder = Path(absolute(settings.source))
    try:
        exists = folder.is_dir()
    except OSError:
        exists = False
    if not exists:
        names = ", ".join(NAMED)
        raise UsageError(
            f"data.source: found {settings.source[:200]!r}, expected one of {names}, or an existing folder"
            f"{nearest(folder.name, NAMED)}"
        )
    return folder


def list_folder(folder: Path, follow_links: bool = False) -> Listing:
    """The image files of each class of each part, sorted; not hidden ones, nor what links to folders in a class hold.

    Args:
        folder: the folder.
        follow_links: whether links may lead out of the folder.

    Raises:
        UsageError: a part is missing or has no classes, a class has no images, the parts differ in their classes, or
            a link leads out of the folder.
    """
    listing: Listing = {}
    inside = None if follow_links else folder.resolve()
    for part in PARTS:
        root = folder / part
        if not root.is_dir():
            raise UsageError(f"data.source: {folder} has no folder {part}/; expected {part}/<class>/<image>.")
        _require_inside(root, inside)
        classes = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        if len(classes) < 2:
            raise UsageError(f"data.source: {root} has {len(classes)} class folders, expected at least 2.")
        listing[part] = {entry.name: _image_files(entry, inside) for entry in classes}
        for name, files in listing[part].items():
            if not files:
                raise UsageError(f"data.source: {root / name} holds no images ({', '.join(sorted(SUFFIXES))}).")
    odd = sorted(set(listing["train"]) ^ set(listing["test"]))
    if odd:
        raise UsageError(f"data.source: {folder} has the class {odd[0]!r} in only one of train/ and test/.")
    return listing


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Images of more pixels than Pillow's limit, 89 million, are refused in here; it only warns of them up to 179.

    What Python warns of is set for all threads at once, so this belongs around them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(path: Path, settings: DataSettings) -> np.ndarray | str:
    """One image, (channels, height, width) uint8; or the reason why it cannot be read."""
    try:
        if not path.is_file():
            return "it is no file"  # A pipe or a device would be waited for, or never end.
        with Image.open(path, formats=_FORMATS) as image:
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


def _image_files(folder: Path, inside: Path | None) -> list[Path]:
    _require_inside(folder, inside)
    found = []
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif path.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and not path.is_dir():
                    if entry.is_symlink():
                        _require_inside(path, inside)
                    found.append(path)
    return sorted(found)


def _require_inside(path: Path, inside: Path | None) -> None:
    """Refuses what lies outside of a folder; None is no folder."""
    try:
        place = path.resolve()
    except RuntimeError:  # Links in a circle lead nowhere.
        return
    if inside is not None and not place.is_relative_to(inside):
        raise UsageError(
            f"data.source: {path} is a link that leads out of the folder, to {place}; take it away, or allow such "
            "links with --set data.follow_links=true."
        )
