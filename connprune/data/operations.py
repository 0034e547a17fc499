"""Augmentations on the device: a few operations on a batch, and each image has its own draw.

What is drawn is drawn for a whole epoch beforehand. What is done with it reads nothing else, never waits for the host,
and has results of fixed shapes, so that it can be part of a CUDA graph.
"""

import math
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.architecture.base import Shape
from connprune.data import augmentations as plain

S = TypeVar("S", bound=plain.Augmentation)
Drawn = tuple[Tensor, ...]

# What a channel has of the grey that an image of red, green and blue is seen as (ITU-R 601-2).
_LUMA = (0.299, 0.587, 0.114)


class Operation(Generic[S]):
    """What an augmentation does.

    Args:
        settings: its keys.
        shape: of one image.
    """

    def __init__(self, settings: S, shape: Shape) -> None:
        self.settings = settings
        self.shape = shape

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        """What is drawn for so many images: tensors on the generator's device, each (count, …)."""
        raise NotImplementedError(type(self).__name__)


class Change(Operation[S]):
    """An operation on each image by itself."""

    def __call__(self, images: Tensor, *drawn: Tensor) -> Tensor:
        """The images, changed: (batch, feature maps, height, width), of any type that the network takes.

        Args:
            images: (batch, feature maps, height, width), uint8 or float32.
            drawn: what `draw` gave for these images, each (batch, …).
        """
        raise NotImplementedError(type(self).__name__)


class Mixing(Operation[S]):
    """An operation on each image and another one."""

    def mask(self, *drawn: Tensor) -> Tensor:
        """What each pixel has of the first image, from 0 to 1: broadcast over (batch, 1, height, width), float32."""
        raise NotImplementedError(type(self).__name__)


class Crop(Change[plain.Crop]):
    """See `augmentations.Crop`."""

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        most = 2 * self.settings.padding
        return (torch.randint(most + 1, (count, 2), generator=generator, device=generator.device),)

    def __call__(self, images: Tensor, *drawn: Tensor) -> Tensor:
        (corner,) = drawn
        padded = F.pad(images, (self.settings.padding,) * 4, value=self.settings.fill)
        rows = corner[:, :1] + torch.arange(self.shape.height, device=corner.device)
        columns = corner[:, 1:] + torch.arange(self.shape.width, device=corner.device)
        return taken(padded, rows, columns)


class Cutout(Change[plain.Cutout]):
    """See `augmentations.Cutout`."""

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        size = self.settings.size
        corner = _pixels(self.shape, count, generator) - size // 2
        return (torch.cat([corner, torch.full_like(corner, size)], 1),)

    def __call__(self, images: Tensor, *drawn: Tensor) -> Tensor:
        return images.masked_fill(inside(drawn[0], self.shape), self.settings.fill)


class Erase(Change[plain.Erase]):
    """See `augmentations.Erase`."""

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        settings = self.settings
        chosen, area, form, down, right = torch.rand(5, count, generator=generator, device=generator.device)
        area = _between(area, *settings.area) * (self.shape.height * self.shape.width)
        ratio = _between(form, *map(math.log, settings.ratio)).exp()
        sides = [
            side.sqrt().round().clamp(1, most)
            for side, most in ((area * ratio, self.shape.height), (area / ratio, self.shape.width))
        ]
        corner = [
            (place * (most - side + 1)).floor()
            for place, side, most in zip((down, right), sides, self.shape.size, strict=True)
        ]
        is_erased = (chosen < settings.probability)[:, None]
        return (torch.stack([*corner, *sides], 1).long() * is_erased,)

    def __call__(self, images: Tensor, *drawn: Tensor) -> Tensor:
        return images.masked_fill(inside(drawn[0], self.shape), self.settings.fill)


class Colour(Change[plain.Colour]):
    """See `augmentations.Colour`; the results are not rounded."""

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        strengths = (self.settings.brightness, self.settings.contrast, self.settings.saturation)
        drawn = torch.rand(3, count, generator=generator, device=generator.device)
        pairs = zip(drawn, strengths, strict=True)
        return tuple(_between(one, max(0.0, 1 - strength), 1 + strength) for one, strength in pairs)

    def __call__(self, images: Tensor, *drawn: Tensor) -> Tensor:
        brightness, contrast, saturation = (factors.view(-1, 1, 1, 1) for factors in drawn)
        changed = images.float()
        if self.settings.brightness:
            changed = (changed * brightness).clamp(0, 255)
        if self.settings.contrast:
            changed = _blended(changed, grey(changed).mean((2, 3), keepdim=True), contrast)
        if self.settings.saturation and self.shape.feature_maps > 1:
            changed = _blended(changed, grey(changed), saturation)
        return changed


class Mixup(Mixing[plain.Mixup]):
    """See `augmentations.Mixup`."""

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        weights = _beta(self.settings.alpha, count, generator)
        chosen = torch.rand(count, generator=generator, device=generator.device) < self.settings.probability
        return (torch.where(chosen, weights, 1.0),)

    def mask(self, *drawn: Tensor) -> Tensor:
        return drawn[0].view(-1, 1, 1, 1)


class CutMix(Mixing[plain.CutMix]):
    """See `augmentations.CutMix`."""

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        share = (1 - _beta(self.settings.alpha, count, generator)).sqrt()
        chosen = torch.rand(count, generator=generator, device=generator.device) < self.settings.probability
        sides = torch.tensor(self.shape.size, device=generator.device)
        half = (0.5 * share[:, None] * sides).long() * chosen[:, None]
        return (torch.cat([_pixels(self.shape, count, generator) - half, 2 * half], 1),)

    def mask(self, *drawn: Tensor) -> Tensor:
        return 1.0 - inside(drawn[0], self.shape).float()


def taken(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Of each image some rows and columns, by one gather of their pixels.

    Args:
        images: (batch, feature maps, rows there, columns there).
        rows: (batch, height), which rows.
        columns: (batch, width), which columns.
    """
    maps, wide = images.shape[1], images.shape[3]
    height, width = rows.shape[1], columns.shape[1]
    pixels = columns[:, None, :].add(rows[:, :, None], alpha=wide).view(-1, 1, height * width)
    return images.flatten(2).gather(2, pixels.expand(-1, maps, -1)).view(-1, maps, height, width)


def inside(box: Tensor, shape: Shape) -> Tensor:
    """Which pixels are in the box of each image, (batch, 1, height, width).

    Args:
        box: (batch, 4): the first row and column, which may lie outside, the height and the width.
        shape: of one image.
    """
    top, left, height, width = box[:, :, None].unbind(1)
    rows = torch.arange(shape.height, device=box.device)
    columns = torch.arange(shape.width, device=box.device)
    down = (rows >= top) & (rows < top + height)
    across = (columns >= left) & (columns < left + width)
    return (down[:, :, None] & across[:, None, :]).unsqueeze(1)


def grey(images: Tensor) -> Tensor:
    """Images as grey ones, (batch, 1, height, width); of other than three channels their mean."""
    if images.shape[1] != len(_LUMA):
        return images.mean(1, keepdim=True)
    red, green, blue = images.unbind(1)
    return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue).unsqueeze(1)


def _blended(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    return (factors * images + (1 - factors) * others).clamp(0, 255)


def _between(drawn: Tensor, least: float, most: float) -> Tensor:
    """Uniform draws from 0 to 1, spread over a range."""
    return least + (most - least) * drawn


def _pixels(shape: Shape, count: int, generator: torch.Generator) -> Tensor:
    """A pixel for each image, its row and column: (count, 2)."""
    drawn = torch.rand(count, 2, generator=generator, device=generator.device)
    return (drawn * torch.tensor(shape.size, device=generator.device)).long()


def _beta(alpha: float, count: int, generator: torch.Generator) -> Tensor:
    """Draws from the beta distribution of (alpha, alpha), (count,): uniform ones through its quantiles.

    torch's own distribution takes no generator.
    """
    from scipy.special import betaincinv

    drawn = torch.rand(count, generator=generator, device=generator.device)
    quantiles = torch.from_numpy(betaincinv(alpha, alpha, drawn.cpu().double().numpy()))
    return quantiles.float().to(generator.device)
