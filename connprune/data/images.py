"""Images and labels as tensors, and their split into training, validation and test."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from connprune.architecture.base import Shape
from connprune.data.settings import PIXELS, Divisor, Normalise

# Images that are copied, or counted, at once.
_AT_ONCE = 1024


@dataclass(frozen=True)
class Images:
    """Images and the number of each one's class.

    Attributes:
        images: (stored, feature maps, height, width), uint8 or float32; on the CPU perhaps a file that is mapped into
            memory, larger than it.
        labels: (count,), int64.
        rows: (count,) int64, which of the stored images each one is, so that they stay where they are until a batch is
            made of them; None is all of them in their order.
        stays_on_host: whether images and rows are in the host's memory, and only a batch at a time is supplied to the
            device that the labels are on.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor | None = None
    stays_on_host: bool = False

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: Tensor | slice) -> "Images":
        if self.rows is None:
            return replace(self, images=self.images[chosen], labels=self.labels[chosen])
        return replace(self, labels=self.labels[chosen], rows=self.rows[chosen])

    @property
    def nbytes(self) -> int:
        """How many bytes the images and their labels take as tensors of their own."""
        one = math.prod(self.images.shape[1:]) * self.images.element_size()
        return len(self) * one + self.labels.nbytes

    def stored(self, chosen: Tensor) -> Tensor:
        """Which of the stored images some images are, both (batch,) int64."""
        return chosen if self.rows is None else self.rows[chosen]

    def in_order(self, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All images with their labels, so many at once."""
        if self.rows is None:
            return zip(self.images.split(batch), self.labels.split(batch), strict=True)
        several = zip(self.rows.split(batch), self.labels.split(batch), strict=True)
        return ((self.images[rows], labels) for rows, labels in several)

    def supplied_to(self, device: torch.device) -> "Images":
        """The same images where they are, with their labels on the device that batches are supplied to."""
        return replace(self, labels=self.labels.to(device), stays_on_host=True)

    def as_sequences(self) -> "Images":
        """Rows become steps: (stored, maps, height, width) becomes (stored, maps · width, 1, height)."""
        steps = self.images.transpose(2, 3).flatten(1, 2).unsqueeze(2)
        return Images(steps.contiguous(), self.labels, self.rows)

    def to(self, device: torch.device) -> "Images":
        """The same images on a device; on another than the CPU they are in its memory, all of them."""
        if self.rows is None or device.type == "cpu":
            return Images(self.images.to(device), self.labels.to(device), self.rows)
        made = torch.empty(len(self), *self.images.shape[1:], dtype=self.images.dtype, device=device)
        for part, rows in zip(made.split(_AT_ONCE), self.rows.split(_AT_ONCE), strict=True):
            part.copy_(self.images[rows])
        return Images(made, self.labels.to(device))


NO_IMAGES = Images(torch.empty(0, 1, 1, 1, dtype=torch.uint8), torch.empty(0, dtype=torch.int64))


@dataclass(frozen=True)
class Dataset:
    """A data set as it comes.

    Attributes:
        classes: their names, by number.
        train: the training set.
        test: the test set; without images it is to be drawn from the training set.
        validation: the validation set; without images they are to be drawn from the training set.
        damaged: the files that were left out, each with the reason.
        notes: sentences on what a user may not expect of these images.
        range: the values that became 0 and 255 in files of more than 8 bits; None if there are none.
    """

    classes: tuple[str, ...]
    train: Images
    test: Images
    validation: Images = NO_IMAGES
    damaged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    range: tuple[int, int] | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all images and labels: two data sets with the same digest are the same."""
        digest = hashlib.sha256()
        for images in (self.train, self.test, self.validation):
            for tensor in (images.images, images.labels) if len(images) else ():
                digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()

    def as_sequences(self) -> "Dataset":
        """The same with rows as steps, as of `Images`."""
        parts = {part: getattr(self, part) for part in ("train", "test", "validation")}
        return replace(self, **{part: images.as_sequences() for part, images in parts.items() if len(images)})

    @property
    def divide(self) -> Divisor:
        """What `data.normalise.divide: auto` stands for."""
        return PIXELS if self.train.images.dtype == torch.uint8 else "channel-std"

    @property
    def shape(self) -> Shape:
        """The shape of one image."""
        return Shape(*self.train.images.shape[1:])


def normalisation(images: Images, settings: Normalise) -> tuple[Tensor, Tensor]:
    """What is subtracted from every image, (feature maps, height, width), and what it is then divided by.

    Args:
        images: the training images.
        settings: which mean and which divisor.

    Returns:
        The mean, and the divisor: () if it is one number, or (feature maps, 1, 1) of standard deviations; for a channel
        of one single value 1. On the CPU.
    """
    # Whole numbers are summed as such: exact, wherever they are. Others are summed on the CPU: Apple's GPUs have no
    # float64, and networks that are compared divide by the same numbers wherever they train.
    measured = images.images.is_floating_point()
    kind = torch.float64 if measured else torch.int64
    chunks = (chunk.cpu() if measured else chunk for chunk, _ in images.in_order(_AT_ONCE))
    total = sum((chunk.sum(0, dtype=kind) for chunk in chunks), torch.zeros((), dtype=kind))
    mean = total.cpu().double() / len(images)
    channel_mean = mean.mean((1, 2), keepdim=True)
    divide = settings.divide
    if divide == "auto":
        divide = PIXELS if images.images.dtype == torch.uint8 else "channel-std"
    divisor = _channel_std(images, channel_mean) if divide == "channel-std" else torch.tensor(divide)
    if settings.subtract == "channel-mean":
        mean = channel_mean.expand_as(mean)
    elif settings.subtract == "none":
        mean = torch.zeros_like(mean)
    return mean.float().contiguous(), divisor


def _channel_std(images: Images, mean: Tensor) -> Tensor:
    """The standard deviation of each channel's values, (feature maps, 1, 1), around its mean; 1 where that is 0."""
    chunks = (chunk.cpu() for chunk, _ in images.in_order(_AT_ONCE))
    squares = sum((((chunk - mean) ** 2).sum((0, 2, 3)) for chunk in chunks), torch.zeros(len(mean)))
    height, width = images.images.shape[2:]
    std = (squares / (len(images) * height * width)).sqrt()
    return torch.where(std > 0, std, 1.0).float().view(-1, 1, 1)
