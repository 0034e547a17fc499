"""Augmentations, as data. Nothing here imports torch."""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, PlainValidator, SerializeAsAny

from connprune.architecture.base import Count, Fraction, Frozen, NonNegative, NonNegativeInt, Positive, Real, Shape
from connprune.architecture.kinds import kind_of, of_kind
from connprune.registry import Registry

Probability = Annotated[float, Field(strict=True, ge=0, le=1)]
Share = Annotated[float, Field(strict=True, gt=0, le=1)]


class Augmentation(Frozen):
    """A random change to training images, drawn for each image and epoch.

    One of your own has keys of its own, and names the class in `implementation` that they are given to.

    Attributes:
        kind: its name in the registry.
    """

    kind: str

    # Where the class is, as "package.module:Class": a subclass of connprune.data.operations.Change or Mixing.
    implementation: ClassVar[str]

    def problem(self, shape: Shape, has_pixels: bool) -> str | None:
        """Why it does not suit some images, in words; None if it does.

        Args:
            shape: of one image.
            has_pixels: whether the values are whole numbers from 0 to 255.
        """
        return None


class _Filling(Augmentation):
    """One that puts a value in the place of pixels."""

    fill: Real

    def problem(self, shape: Shape, has_pixels: bool) -> str | None:
        if has_pixels and not (0 <= self.fill <= 255 and self.fill == int(self.fill)):
            return f"fill: found {self.fill:g}, expected a whole number from 0 to 255, as these images have"
        return None


class Crop(_Filling):
    """As much as the image has, from anywhere in the image with a margin around it: a shift.

    Attributes:
        padding: pixels of the margin on each side.
        fill: the value of its pixels.
    """

    kind: Literal["crop"] = "crop"
    padding: Count = 4
    fill: Real = 0.0

    implementation = "connprune.data.operations:Crop"

    def problem(self, shape: Shape, has_pixels: bool) -> str | None:
        if self.padding > min(shape.size):
            return f"padding: found {self.padding}, expected at most {min(shape.size)}, a side of these images"
        return super().problem(shape, has_pixels)


class Cutout(_Filling):
    """A square around any pixel is covered (DeVries, Taylor 2017); at the edge less of it is inside.

    Attributes:
        size: its side in pixels.
        fill: the value of the covered pixels.
    """

    kind: Literal["cutout"] = "cutout"
    size: Count = 8
    fill: Real = 128.0

    implementation = "connprune.data.operations:Cutout"


class Erase(_Filling):
    """A rectangle of random area and form is covered: random erasing (Zhong and others 2020).

    Attributes:
        probability: of each image.
        area: the least and the greatest, as shares of the image's.
        ratio: the least and the greatest of height to width.
        fill: the value of the covered pixels.
    """

    kind: Literal["erase"] = "erase"
    probability: Probability = 0.5
    area: tuple[Share, Share] = (0.02, 0.33)
    ratio: tuple[Positive, Positive] = (0.3, 3.3)
    fill: Real = 128.0

    implementation = "connprune.data.operations:Erase"


class Colour(Augmentation):
    """Brightness, contrast and saturation, in this order, are multiplied by a factor from 1 - strength to 1 + strength.

    Attributes:
        brightness: the strength; a factor of 0 is black.
        contrast: the strength; a factor of 0 is the mean grey of the image.
        saturation: the strength; a factor of 0 is grey. Images of one channel have none.
    """

    kind: Literal["colour"] = "colour"
    brightness: NonNegative = 0.0
    contrast: NonNegative = 0.0
    saturation: NonNegative = 0.0

    implementation = "connprune.data.operations:Colour"

    def problem(self, shape: Shape, has_pixels: bool) -> str | None:
        return None if has_pixels else "found other values than pixels, expected images of 8 bits"


TrivialOperation = Literal[
    "identity",
    "shear-x",
    "shear-y",
    "translate-x",
    "translate-y",
    "rotate",
    "brightness",
    "contrast",
    "saturation",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
]


class TrivialAugment(_Filling):
    """One operation, with one of 31 strengths, drawn for each image: TrivialAugment (Müller, Hutter 2021).

    The defaults are its wide space. All results are PIL's, with the nearest pixel where pixels move.

    Attributes:
        operations: those that are drawn from, each as likely as the others.
        shear: the greatest shear, as a share of the other side.
        translate: the greatest shift, in pixels.
        rotate: the greatest turn, in degrees.
        enhance: how far a factor of brightness, contrast, saturation or sharpness is from 1 at most.
        bits: the fewest that `posterize` leaves of a value.
        fill: the value of pixels that come from outside.
    """

    kind: Literal["trivial-augment"] = "trivial-augment"
    operations: Annotated[tuple[TrivialOperation, ...], Field(min_length=1)] = get_args(TrivialOperation)
    shear: Fraction = 0.99
    translate: NonNegativeInt = 32
    rotate: Annotated[float, Field(strict=True, ge=0, le=180)] = 135.0
    enhance: Fraction = 0.99
    bits: Annotated[int, Field(strict=True, ge=1, le=8)] = 2
    fill: Real = 0.0

    implementation = "connprune.data.trivial_augment:TrivialAugment"

    def problem(self, shape: Shape, has_pixels: bool) -> str | None:
        if not has_pixels:
            return "found other values than pixels, expected images of 8 bits"
        return super().problem(shape, has_pixels)


class Mixup(Augmentation):
    """The weighted mean of two images and of their labels (Zhang, Cissé, Dauphin, Lopez-Paz 2018).

    Attributes:
        alpha: the weight is drawn from the beta distribution of (alpha, alpha).
        probability: of each image.
    """

    kind: Literal["mixup"] = "mixup"
    alpha: Positive = 0.2
    probability: Probability = 1.0

    implementation = "connprune.data.operations:Mixup"


class CutMix(Augmentation):
    """A rectangle of another image covers the image, and has its share of the label (Yun and others 2019).

    Attributes:
        alpha: the area that is left is drawn from the beta distribution of (alpha, alpha).
        probability: of each image.
    """

    kind: Literal["cutmix"] = "cutmix"
    alpha: Positive = 1.0
    probability: Probability = 1.0

    implementation = "connprune.data.operations:CutMix"


AUGMENTATIONS: Registry[type[Augmentation]] = Registry("augmentation", "connprune.augmentations", kind_of, Augmentation)
for _augmentation in (Crop, Cutout, Erase, Colour, TrivialAugment, Mixup, CutMix):
    AUGMENTATIONS.register(_augmentation)
AnyAugmentation = Annotated[SerializeAsAny[Augmentation], PlainValidator(of_kind(AUGMENTATIONS, Augmentation))]
