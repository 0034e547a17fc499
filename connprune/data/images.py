"""Images and labels as tensors, and their split into training, validation and test."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from connprune.architecture.base import Shape
from connprune.data.random import stream
from connprune.data.settings import DataSettings, Normalise
from connprune.errors import UsageError


@dataclass(frozen=True)
class Images:
    """Images and the number of each one's class.

    Attributes:
        images: (count, feature maps, height, width), uint8.
        labels: (count,), int64.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: Tensor) -> "Images":
        return Images(self.images[chosen], self.labels[chosen])

    def as_sequences(self) -> "Images":
        """Rows become steps: (count, maps, height, width) becomes (count, maps · width, 1, height)."""
        rows = self.images.transpose(2, 3).flatten(1, 2).unsqueeze(2)
        return Images(rows.contiguous(), self.labels)

    def to(self, device: torch.device) -> "Images":
        """The same images on a device."""
        return Images(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Dataset:
    """A data set as it comes: a training set and a test set.

    Attributes:
        classes: their names, by number.
        train: the training set.
        test: the test set.
        damaged: the files that were left out, each with the reason.
    """

    classes: tuple[str, ...]
    train: Images
    test: Images
    damaged: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all images and labels: two data sets with the same digest are the same."""
        found = hashlib.sha256()
        for tensor in (self.train.images, self.train.labels, self.test.images, self.test.labels):
            found.update(tensor.contiguous().numpy().data)
        return found.hexdigest()

    @property
    def shape(self) -> Shape:
        """The shape of one image."""
        return Shape(*self.train.images.shape[1:])


@dataclass(frozen=True)
class Splits:
    """What a training sees: train to learn from, validation to steer by, test to report.

    Attributes:
        digest: of the data set that was split.
        classes: their names, by number.
    """

    train: Images
    validation: Images
    test: Images
    digest: str
    classes: tuple[str, ...]

    def to(self, device: torch.device) -> "Splits":
        """The same images on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("train", "validation", "test")}
        return replace(self, **moved)


def split(dataset: Dataset, settings: DataSettings) -> Splits:
    """Holds out a seeded part of the training set as the validation set.

    Raises:
        UsageError: too few images are left to train on.
    """
    count = len(dataset.train)
    order = torch.randperm(count, generator=stream(settings.split_seed or 0, "split"))
    held_out = max(1, round(count * settings.validation))
    left = count - held_out
    wanted = left if settings.train_images is None else settings.train_images
    if not 0 < wanted <= left:
        raise UsageError(
            f"data.train_images: found {settings.train_images}, but {count} training images with "
            f"{held_out} held out leave {left}."
        )
    return Splits(
        train=dataset.train[order[held_out : held_out + wanted]],
        validation=dataset.train[order[:held_out]],
        test=dataset.test,
        digest=dataset.digest,
        classes=dataset.classes,
    )


def normalisation(images: Images, settings: Normalise) -> tuple[Tensor, Tensor]:
    """What is subtracted from every image, (feature maps, height, width), and what it is then divided by, ()."""
    chunks = images.images.split(1024)
    # Summed as whole numbers: exact, and Apple's GPUs have no float64.
    total = sum((chunk.sum(0, dtype=torch.int64) for chunk in chunks), torch.zeros((), dtype=torch.int64))
    mean = total.cpu().double() / len(images)
    if settings.subtract == "channel-mean":
        mean = mean.mean((1, 2), keepdim=True).expand_as(mean)
    elif settings.subtract == "none":
        mean = torch.zeros_like(mean)
    return mean.float().contiguous(), torch.tensor(settings.divide)
