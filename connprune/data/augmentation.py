"""The augmentations of a configuration, one after the other."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from connprune.architecture.base import Shape
from connprune.data.augmentations import Augmentation
from connprune.data.operations import Change, Drawn, Mixing
from connprune.errors import UsageError
from connprune.mistakes import Mistake
from connprune.registry import imported


class Batch(NamedTuple):
    """Images and labels, as the network learns from them.

    Attributes:
        images: (batch, feature maps, height, width), uint8 or float32.
        labels: (batch,).
        others: (batch,), the labels of the images that are mixed with these; None if none are.
        share: (batch,), what each image has of its own label, from 0 to 1; None is all.
    """

    images: Tensor
    labels: Tensor
    others: Tensor | None = None
    share: Tensor | None = None

    @property
    def likeliest(self) -> Tensor:
        """The label that each image has most of, (batch,)."""
        if self.others is None or self.share is None:
            return self.labels
        return torch.where(self.share >= 0.5, self.labels, self.others)


class Operations:
    """What augmentations do to batches.

    Args:
        augmentations: in their order; those that mix images come after all others, and where there are several, each
            image is mixed by one of them.
        images: all training images, (count, feature maps, height, width).

    Raises:
        UsageError: the class of one cannot be imported or is no operation, or one does not suit the images.
    """

    def __init__(self, augmentations: Sequence[Augmentation], images: Tensor) -> None:
        self._changes: list[Change[Any]] = []
        self._mixings: list[Mixing[Any]] = []
        for number, settings in enumerate(augmentations):
            key = f"data.augment.operations.{number}"
            shape, has_pixels = Shape(*images.shape[1:]), images.dtype == torch.uint8
            if problem := settings.problem(shape, has_pixels):
                raise UsageError(Mistake(f"{settings.kind}: {problem}.", key=key))
            operation = imported(settings.implementation, f"augmentation {settings.kind}")
            made = operation(settings, shape)
            if isinstance(made, Change):
                self._changes.append(made)
            elif isinstance(made, Mixing):
                self._mixings.append(made)
            else:
                raise UsageError(f"{key}: {settings.implementation} is no Change and no Mixing of images.")

    @property
    def mix(self) -> bool:
        """Whether images are mixed."""
        return bool(self._mixings)

    def draw_changes(self, count: int, generator: torch.Generator) -> tuple[Drawn, ...]:
        """What each change draws for so many images."""
        return tuple(change.draw(count, generator) for change in self._changes)

    def draw_mixings(self, count: int, generator: torch.Generator) -> tuple[Drawn, ...]:
        """What each mixing draws for so many images, and last which one is each image's."""
        drawn = tuple(mixing.draw(count, generator) for mixing in self._mixings)
        several = len(self._mixings)
        return (*drawn, (torch.randint(several, (count,), generator=generator, device=generator.device),))

    def changed(self, images: Tensor, drawn: Sequence[Drawn]) -> Tensor:
        """Images after all changes, by what was drawn for them."""
        for change, own in zip(self._changes, drawn, strict=True):
            images = change(images, *own)
        return images

    def mixed(self, first: Batch, second: Batch, drawn: Sequence[Drawn]) -> Batch:
        """Images, each mixed with the one at its place in another batch, by what was drawn for them."""
        masks = [mixing.mask(*own) for mixing, own in zip(self._mixings, drawn, strict=False)]
        (chosen,) = drawn[-1]
        mask = masks[0]
        for number, other in enumerate(masks[1:], 1):
            mask = torch.where((chosen == number).view(-1, 1, 1, 1), other, mask)
        images = mask * first.images.float() + (1 - mask) * second.images.float()
        return Batch(images, first.labels, second.labels, mask.mean((1, 2, 3)))
