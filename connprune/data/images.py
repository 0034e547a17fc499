"""Images and labels as tensors, and their split into training, validation and test."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from connprune.architecture.base import Shape
from connprune.data.settings import Normalise


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

    @property
    def shape(self) -> Shape:
        """The shape of one image."""
        return Shape(*self.train.images.shape[1:])


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
