"""The settings of the data. Nothing here imports torch."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from connprune.architecture.base import (
    Count,
    Fraction,
    Frozen,
    NonNegativeInt,
    Positive,
    Switch,
    UnsuitableKeyError,
)
from connprune.data.augmentations import AnyAugmentation
from connprune.data.named import SOURCES
from connprune.files import absolute
from connprune.limits import ACTIVATIONS

# The keys that say how a folder's images are decoded.
DECODING = ("size", "channels", "background", "range", "skip_damaged", "follow_links")
_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0)}


def _colour(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in _COLOURS:
        raise ValueError(f"expected {' or '.join(_COLOURS)}, or red, green and blue from 0 to 255")
    return _COLOURS[value]


Byte = Annotated[int, Field(strict=True, ge=0, le=255)]
Colour = Annotated[tuple[Byte, Byte, Byte], BeforeValidator(_colour)]
# A pixel's value in a file of up to 32 bits.
Level = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]


# The divisor of pixel values, from 0 to 255.
PIXELS = 128.0
Divisor = Positive | Literal["auto", "channel-std"]


class Normalise(Frozen):
    """`(image - mean) / divide`.

    Attributes:
        subtract: `pixel-mean`, the mean training image; `channel-mean`, one mean for a channel; `none`.
        divide: the divisor; or `channel-std`, the standard deviation of each channel's training values; or `auto`,
            which is 128 of pixel values from 0 to 255 and `channel-std` of arrays of other numbers. The run's
            configuration states what it became.
    """

    subtract: Literal["pixel-mean", "channel-mean", "none"] = "pixel-mean"
    divide: Divisor = "auto"


class Augment(Frozen):
    """Random changes to training images, drawn anew for each image and epoch.

    Attributes:
        shift: the largest shift along rows and along columns, as a share of the side (whole pixels, nearest fill).
        flip: the probability of a left-right flip.
        operations: what else is done, in this order, each with its kind.
    """

    shift: Fraction = 0.0
    flip: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0
    operations: tuple[AnyAugmentation, ...] = ()


class DataSettings(Frozen):
    """Which images, and what happens to them before the network.

    Attributes:
        source: the name of a data set, like `digits` or `cifar10`; or a folder of images, which holds
            `train/<class>/` and perhaps `test/<class>/` and `val/<class>/`, or the classes themselves; or arrays, in an
            `.npz` or `.safetensors` file or in a folder of `.npy` files; or `.parquet` files.
        cache: the folder for downloads and decoded images; None is the user's cache folder or $CONNPRUNE_CACHE.
        validation: the share of the training images that is kept for validation, where a folder has no `val/`.
        test: the share of a folder's images that is kept for the test, where the folder has no `test/`.
        split_seed: decides which are kept; null is the training's seed.
        train_images: train on this many only, drawn by the seed; None is all that are not kept for validation or test.
        size: height and width that a folder's images are resized to while they are decoded; null keeps their own.
        channels: a folder's images are decoded as colour (3) or grey (1).
        background: what shows through transparent pixels: `white`, `black`, or red, green and blue from 0 to 255.
        range: the two values that become 0 and 255 where a folder's files have more than 8 bits; null is the least and
            the greatest of the training images, and the run's configuration states what was found.
        layout: where the channels are in arrays of four axes: `channels-first` is (count, channels, height, width),
            `channels-last` (count, height, width, channels); null guesses, which a note says. It belongs to files of
            arrays.
        as_sequence: read each image as a sequence: its rows are the steps, its columns and channels the features.
        skip_damaged: leave out a folder's damaged images instead of refusing the folder.
        follow_links: take images and classes that symbolic links bring in from outside of a folder; else they are
            refused. Links that lead to other images of the folder are always taken.
        normalise: what is subtracted and divided by.
        augment: random changes to training images.
    """

    source: Annotated[str, Field(min_length=1)] = "cifar10"
    cache: str | None = None
    validation: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.1
    test: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.2
    split_seed: NonNegativeInt | None = None
    train_images: Count | None = None
    size: tuple[Count, Count] | None = None
    channels: Literal[1, 3] = 3
    background: Colour = (255, 255, 255)
    range: tuple[Level, Level] | None = None
    layout: Literal["channels-first", "channels-last"] | None = None
    as_sequence: Switch = False
    skip_damaged: Switch = False
    follow_links: Switch = False
    normalise: Normalise = Normalise()
    augment: Augment = Augment()

    @model_validator(mode="after")
    def _check_augmentations(self) -> Self:
        if self.as_sequence and self.augment.operations:
            raise UnsuitableKeyError("augment", "augment.operations belong to images, but as_sequence is true")
        return self

    @model_validator(mode="after")
    def _check_folder_settings(self) -> Self:
        if self.source in SOURCES:
            for name in ("test", *DECODING):
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise UnsuitableKeyError(
                        name, f"{name} belongs to a folder of images, but the source is {self.source}"
                    )
        if self.source in SOURCES and self.layout:
            raise UnsuitableKeyError("layout", f"layout belongs to a file of arrays, but the source is {self.source}")
        if self.range and self.range[0] >= self.range[1]:
            raise UnsuitableKeyError("range", f"range: found {list(self.range)}, expected the smaller value first")
        if self.size and self.channels * self.size[0] * self.size[1] > ACTIVATIONS.most:
            raise UnsuitableKeyError("size", f"size asks for {ACTIVATIONS}")
        return self

    def located(self) -> Self:
        """The same with absolute paths, so that a run can be used from any folder."""
        source = self.source if self.source in SOURCES else absolute(self.source)
        cache = self.cache and absolute(self.cache)
        return self.model_copy(update={"source": source, "cache": cache})
