"""How a data set is split into training, validation and test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import torch
from torch import Tensor

from connprune.data.formats import format_of
from connprune.data.images import Dataset, Images
from connprune.data.named import SOURCES, is_balanced
from connprune.data.random import stream
from connprune.data.settings import PIXELS, DataSettings, Divisor
from connprune.errors import UsageError
from connprune.printable import printable

_NAMED_AT_MOST = 5
# From here on accuracy over all images says little: always naming the largest class would do well.
_IMBALANCE = 4


@dataclass(frozen=True)
class Splits:
    """What a training sees: train to learn from, validation to choose by, test to report.

    Attributes:
        digest: of the data set that was split.
        classes: their names, by number.
        range: as in `Dataset`.
        divide: as in `Dataset`.
        notes: sentences on what a user may not expect of the split.
    """

    train: Images
    validation: Images
    test: Images
    digest: str
    classes: tuple[str, ...]
    range: tuple[int, int] | None = None
    divide: Divisor = PIXELS
    notes: tuple[str, ...] = ()

    def to(self, device: torch.device) -> "Splits":
        """The same images on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **moved)

    def supplied_to(self, device: torch.device) -> "Splits":
        """The same images where they are, of which batches are supplied to a device."""
        moved = {name: getattr(self, name).supplied_to(device) for name in ("train", "validation", "test")}
        return replace(self, **moved)

    @property
    def nbytes(self) -> int:
        """How many bytes all images and labels take."""
        return self.train.nbytes + self.validation.nbytes + self.test.nbytes


def split(dataset: Dataset, settings: DataSettings) -> Splits:
    """Holds out seeded parts of the training set: to validate with, and to test with where there is no test set.

    Each class gives its share, and keeps one image at least to train on. A balanced data set keeps the split that
    results were published with, drawn from all images alike.

    Raises:
        UsageError: too few images are left to train, to validate or to test with.
    """
    whole, rows = dataset.train, torch.arange(len(dataset.train))
    labels = None if is_balanced(settings.source) else whole.labels
    test, validation = dataset.test, dataset.validation
    if not len(test):
        chosen, rows = _parted(rows, labels, _share(len(rows), settings.test), _draw(settings, "test"))
        test = whole[chosen]
    count, share = len(rows), 0
    if not len(validation):
        share = _share(count, settings.validation)
        chosen, rows = _parted(rows, labels, share, _draw(settings, "split"))
        validation = whole[chosen]
    left = len(rows)
    if not left:
        raise UsageError(
            f"data.validation: found {settings.validation:g}, which holds out {share:,} of {count:,} training images "
            "and leaves 0 to train on; hold out less."
        )
    wanted = left if settings.train_images is None else settings.train_images
    if not 0 < wanted <= left:
        raise UsageError(
            f"data.train_images: found {settings.train_images}, but {count} training images with "
            f"{share} held out leave {left}."
        )
    if wanted < left:
        rows = rows[:wanted] if labels is None else _parted(rows, labels, wanted, _draw(settings, "train"), 0)[0]
    for name, images in (("validation", validation), ("test", test)):
        if not len(images):
            raise UsageError(f"data.{name}: no image can be held out, since each class has one training image alone.")
    splits = Splits(whole[rows], validation, test, dataset.digest, dataset.classes, dataset.range, dataset.divide)
    return splits if labels is None else replace(splits, notes=tuple(_notes(dataset, settings, splits)))


def class_counts(images: Images, classes: int) -> list[int]:
    """How many images each class has."""
    return [int(count) for count in torch.bincount(images.labels, minlength=classes)]


def _draw(settings: DataSettings, purpose: str) -> torch.Generator:
    return stream(settings.split_seed or 0, purpose)


def _share(count: int, share: float) -> int:
    return max(1, round(count * share))


def _parted(rows: Tensor, labels: Tensor | None, wanted: int, draw: torch.Generator, keep: int = 1) -> list[Tensor]:
    """A drawn part of the rows, and the rest, each in the order of the draw.

    Args:
        rows: (count,), numbers of images.
        labels: (images,), the class of every image, so that each class gives its share; None draws from all alike.
        wanted: how many to draw.
        draw: the random stream.
        keep: how many images of a class are left at least.
    """
    drawn = rows[torch.randperm(len(rows), generator=draw)]
    if labels is None:
        return [drawn[:wanted], drawn[wanted:]]
    classes = labels[drawn]
    chosen = torch.zeros(len(drawn), dtype=torch.bool)
    for label, share in enumerate(shares(torch.bincount(classes).tolist(), wanted, keep)):
        chosen[torch.nonzero(classes == label)[:share]] = True
    return [drawn[chosen], drawn[~chosen]]


def shares(counts: Sequence[int], wanted: int, keep: int = 1) -> list[int]:
    """Shares out a number of images among classes in proportion to their sizes, rounded by the largest remainders.

    Args:
        counts: the images of each class.
        wanted: how many in all, up to the sum of the counts; there may be fewer because of `keep`.
        keep: how many of its images a class does not give.
    """
    total = sum(counts)
    most = [max(0, count - keep) for count in counts]
    chosen = [min(count * wanted // total, limit) for count, limit in zip(counts, most, strict=True)]
    by_remainder = sorted(range(len(counts)), key=lambda label: -(counts[label] * wanted % total))
    for label in cycle(by_remainder):
        if sum(chosen) == min(wanted, sum(most)):
            return chosen
        chosen[label] += chosen[label] < most[label]
    return chosen


def _notes(dataset: Dataset, settings: DataSettings, splits: Splits) -> Iterator[str]:
    defaults = type(settings).model_fields
    is_folder = settings.source not in SOURCES and format_of(Path(settings.source)) is None
    for name, given in (("test", dataset.test), ("validation", dataset.validation)):
        own = {"test": "the folder has test/", "validation": "the folder has val/"}[name]
        if not is_folder:
            own = f"{Path(settings.source).name} has images for that"
        if len(given) and getattr(settings, name) != defaults[name].default:
            yield f"data.{name} is not used: {own}."
    if not len(dataset.test):
        lacks = "the folder has no test/" if is_folder else "there are no test images"
        whose = "its" if is_folder else "the"
        yield (
            f"{lacks}: {len(splits.test):,} of {whose} {len(dataset.train):,} training images are held out "
            f"to test with (data.test: {settings.test:g}), of each class its share, drawn by the seed."
        )
    counts = class_counts(splits.train, len(dataset.classes))
    for part, images in (("train on", splits.train), ("validate with", splits.validation), ("test with", splits.test)):
        there = class_counts(images, len(dataset.classes))
        none = [printable(name) for name, count in zip(dataset.classes, there, strict=True) if not count]
        if none:
            more = f" and {len(none) - _NAMED_AT_MOST} more" if len(none) > _NAMED_AT_MOST else ""
            yield f"no image to {part}: {', '.join(none[:_NAMED_AT_MOST])}{more}."
    if max(counts) >= _IMBALANCE * max(1, min(counts)):
        large, small = (printable(dataset.classes[counts.index(pick(counts))]) for pick in (max, min))
        same = class_counts(splits.test, len(dataset.classes))[counts.index(max(counts))] / len(splits.test)
        yield (
            f"the classes differ in size, from {min(counts):,} training images ({small}) to {max(counts):,} ({large}): "
            f"to answer {large} always gets {same:.2%} of the test images right. See the accuracy of each class."
        )
