"""How one image file becomes pixels: upright, opaque, with 8 bits. Nothing here imports torch."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from connprune.data.settings import DataSettings

# A file's content decides which decoder it gets. Of Pillow's others some start programs (that of EPS Ghostscript), some
# hand a file to what another library has registered, and the rest belongs to games and faxes.
_FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM", "QOI", "SGI"),
    *("TGA", "TIFF", "WEBP"),
)
# Floating-point pixels, which have no range of their own.
_NOT_TAKEN = frozenset({".pfm"})
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", *_PREMULTIPLIED})
_UPRIGHT = 1
_ORIENTATION = 0x0112
# Rows of deep pixels that are scaled at once.
_ROWS = 256


class RangeWantedError(Exception):
    """An image has more than 8 bits, and what range they use is not known."""


@dataclass(frozen=True)
class Picture:
    """An image as the network takes it, and what its file had besides.

    Attributes:
        pixels: (channels, height, width), uint8.
        levels: how many pixels have each value, (channels, 256).
        deep: whether the file has more than 8 bits, which `data.range` maps to 8.
        beyond: whether pixels lie outside of that range.
        halved: whether the file has 16 bits a channel in colour, of which Pillow keeps the upper 8.
        frames: whether it is the first of several frames or pages.
    """

    pixels: np.ndarray
    levels: np.ndarray
    deep: bool
    beyond: bool
    halved: bool
    frames: bool

    @property
    def is_plain(self) -> bool:
        """Whether all pixels have one value in each channel."""
        return bool(((self.levels > 0).sum(1) == 1).all())


@cache
def suffixes() -> frozenset[str]:
    """The suffixes of all files that the installed Pillow decodes safely."""
    Image.init()
    known = {suffix for suffix, name in Image.registered_extensions().items() if name in _FORMATS}
    return frozenset(known - _NOT_TAKEN)


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Images of more pixels than Pillow's limit, 89 million, are refused in here; it only warns of them up to 179.

    What Python warns of is set for all threads at once, so this belongs around them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def opened(file: IO[bytes]) -> Iterator[Image.Image]:
    """An image file of which only the header is read."""
    Image.init()
    there = [name for name in _FORMATS if name in Image.OPEN]
    try:
        image = Image.open(file, formats=there)
    except UnidentifiedImageError:
        raise ValueError("cannot identify what kind of image it is") from None
    with image:
        yield image


def decode(file: IO[bytes], settings: DataSettings) -> Picture:
    """Decodes an image file.

    Raises:
        RangeWantedError: it has more than 8 bits, and `settings.range` is None.
        Exception: whatever Pillow's decoders stumble over.
    """
    with opened(file) as image:
        halved = image.mode in ("RGB", "RGBA", "LA") and ";16" in str(getattr(image, "tile", ""))
        image.load()
        deep, beyond = is_deep(image), False
        # From here on no name holds an older version of the pixels, which may take hundreds of megabytes.
        plain = _upright(image)
        mask = None
        if deep:
            if settings.range is None:
                raise RangeWantedError
            plain, mask, beyond = _eight_bits(plain, settings.range)
        plain = _opaque(plain, mask, settings)
        mode = "RGB" if settings.channels == 3 else "L"
        plain = plain if plain.mode == mode else plain.convert(mode)
        if settings.size:
            height, width = settings.size
            plain = plain.resize((width, height), Image.Resampling.BILINEAR)
        levels = np.array(plain.histogram()).reshape(-1, 256)
        pixels = np.asarray(plain)
        pixels = pixels.transpose(2, 0, 1) if settings.channels == 3 else pixels[None]
        return Picture(np.ascontiguousarray(pixels), levels, deep, beyond, halved, _has_frames(image))


def extremes(file: IO[bytes]) -> tuple[int, int] | None:
    """The least and the greatest value of an image of more than 8 bits; None of another.

    Raises:
        Exception: whatever Pillow's decoders stumble over.
    """
    with opened(file) as image:
        if not is_deep(image):
            return None
        values = np.asarray(image)
        return int(values.min()), int(values.max())


def is_deep(image: Image.Image) -> bool:
    """Whether an image has more than 8 bits, in whole numbers and one channel.

    Raises:
        ValueError: it has floating-point numbers.
    """
    if image.mode == "F":
        raise ValueError("its pixels have 32 bits and a floating point (mode F), expected whole numbers")
    return image.mode == "I" or image.mode.startswith("I;")


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF tag says that it is to be shown; a tag that cannot be read says nothing, as in viewers."""
    try:
        orientation = image.getexif().get(_ORIENTATION, _UPRIGHT)
    except Exception:
        return image
    return image if orientation == _UPRIGHT else ImageOps.exif_transpose(image)


def _eight_bits(image: Image.Image, limits: tuple[int, int]) -> tuple[Image.Image, Image.Image | None, bool]:
    """The range of values spread over 0 to 255, the mask of what is not transparent, and whether values lie outside."""
    values = np.asarray(image)
    low, high = limits
    scaled = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), _ROWS):
        block = values[row : row + _ROWS].astype(np.int64)
        scaled[row : row + _ROWS] = (np.clip(block, low, high) - low) * 255 // (high - low)
    transparent = image.info.get("transparency")
    mask = None
    if isinstance(transparent, int):
        mask = Image.fromarray(np.where(values == transparent, np.uint8(0), np.uint8(255)))
    return Image.fromarray(scaled), mask, bool(values.min() < low or values.max() > high)


def _opaque(image: Image.Image, mask: Image.Image | None, settings: DataSettings) -> Image.Image:
    """Laid on the background; before any resizing, which would mix in what lies under transparent pixels."""
    if mask is None:
        palette = image.palette.mode if image.mode == "P" and image.palette else ""
        if not (image.mode in _WITH_ALPHA or "transparency" in image.info or palette.endswith("A")):
            return image
        if image.mode in _PREMULTIPLIED:
            image = image.convert(_PREMULTIPLIED[image.mode])
        image = image.convert("RGBA")
        mask = image.getchannel("A")
    ground = Image.new("RGB", image.size, settings.background)
    ground.paste(image.convert("RGB"), mask=mask)
    return ground


def _has_frames(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # What comes after the first frame may be damaged, and is not used.
        return True
