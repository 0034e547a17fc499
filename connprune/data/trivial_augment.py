"""TrivialAugment on the device: whatever operation an image drew is done to all, with a strength of none to the others.

Nearly all of its operations are a new place of each pixel, a new value for each of 256, or a blend with another image:
one gather, one table and one blend for a whole batch, in whole numbers where PIL has them.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.data import augmentations as plain
from connprune.data.operations import Change, Drawn

# Strengths of an operation, evenly spread from none to the greatest.
BINS = 31
# Those that move pixels, and those that blend; both go both ways.
_MOVES = ("shear-x", "shear-y", "translate-x", "translate-y", "rotate")
_FACTORS = ("brightness", "contrast", "saturation", "sharpness")


class TrivialAugment(Change[plain.TrivialAugment]):
    """See `augmentations.TrivialAugment`; the results are PIL's pixels."""

    def strengths(self, operation: str) -> Tensor:
        """The strengths of an operation, from none to the greatest: (31,)."""
        settings = self.settings
        most = {
            **dict.fromkeys(("shear-x", "shear-y"), settings.shear),
            **dict.fromkeys(("translate-x", "translate-y"), float(settings.translate)),
            **dict.fromkeys(_FACTORS, settings.enhance),
            "rotate": settings.rotate,
            "solarize": -255.0,
            "posterize": settings.bits - 8.0,
        }.get(operation, 0.0)
        spread = torch.arange(BINS, dtype=torch.float64) * most / (BINS - 1)
        if operation in ("translate-x", "translate-y"):
            spread = spread.trunc()
        elif operation == "posterize":
            spread = 8 + spread.round()
        elif operation == "solarize":
            spread = 255 + spread
        return spread.float()

    def draw(self, count: int, generator: torch.Generator) -> Drawn:
        device, names = generator.device, self.settings.operations
        chosen, level, sign = (
            torch.randint(most, (count,), generator=generator, device=device) for most in (len(names), BINS, 2)
        )
        table = torch.stack([self.strengths(name) for name in names]).to(device)
        both_ways = torch.tensor([name in (*_MOVES, *_FACTORS) for name in names], device=device)
        strength = table[chosen, level]
        return chosen, torch.where(both_ways[chosen] & (sign == 1), -strength, strength)

    def __call__(self, images: Tensor, *drawn: Tensor) -> Tensor:
        chosen, strength = drawn
        names = self.settings.operations
        is_chosen: dict[str, Tensor] = {name: chosen == number for number, name in enumerate(names)}
        graded = [name for name in (*_MOVES, *_FACTORS) if name in names]
        strengths: dict[str, Tensor] = {name: torch.where(is_chosen[name], strength, 0) for name in graded}
        pixels = images if images.dtype == torch.uint8 else images.round().clamp(0, 255).to(torch.uint8)
        if set(names) & set(_MOVES):
            pixels = _moved(pixels, strengths, self.settings.fill)
        pixels = _looked_up(pixels, _table(pixels, is_chosen, strengths, strength))
        if set(names) & {"saturation", "sharpness"}:
            pixels = _enhanced(pixels, is_chosen, strengths)
        return pixels


def _moved(pixels: Tensor, strengths: dict[str, Tensor], fill: float) -> Tensor:
    """The pixel nearest to where each comes from, as PIL's affine transformation takes it.

    Args:
        pixels: (batch, feature maps, height, width).
        strengths: (batch,) of each operation; 0 moves nothing.
        fill: of what comes from outside.
    """
    maps, height, width = pixels.shape[1:]
    x = torch.arange(width, device=pixels.device) + 0.5
    y = (torch.arange(height, device=pixels.device) + 0.5)[:, None]
    none = torch.zeros(1, device=pixels.device)
    shear_x, shear_y, right, down, turn = (strengths.get(name, none).view(-1, 1, 1) for name in _MOVES)
    turn = turn * (math.pi / 180)
    across, along = x - width / 2, y - height / 2
    columns = turn.cos() * across - turn.sin() * along + width / 2 + shear_x * y - right
    rows = turn.sin() * across + turn.cos() * along + height / 2 + shear_y * x - down
    columns, rows = columns.floor().long(), rows.floor().long()
    outside = (columns < 0) | (columns >= width) | (rows < 0) | (rows >= height)
    places = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    places = places.view(-1, 1, height * width).expand(len(pixels), maps, -1)
    moved = pixels.flatten(2).gather(2, places).view_as(pixels)
    return moved.masked_fill(outside[:, None], int(fill))


def _table(pixels: Tensor, is_chosen: dict[str, Tensor], strengths: dict[str, Tensor], strength: Tensor) -> Tensor:
    """What becomes of each value in each channel of each image: (batch, feature maps, 256), uint8."""
    values = torch.arange(256, device=pixels.device)
    table = values.expand(*pixels.shape[:2], -1)
    chosen = {name: one.view(-1, 1, 1) for name, one in is_chosen.items()}
    own = strength.view(-1, 1, 1)
    for name in ("brightness", "contrast"):
        if name in strengths:
            ground = _mean_grey(pixels) if name == "contrast" else torch.zeros_like(own)
            table = torch.where(chosen[name], _blended(ground, values.float(), 1 + own).long(), table)
    if "posterize" in chosen:
        # A power would be compiled on a GPU when it is first asked for, which no recording survives.
        step = 1 << (8 - own.clamp(1, 8)).long()
        table = torch.where(chosen["posterize"], values // step * step, table)
    if "solarize" in chosen:
        table = torch.where(chosen["solarize"] & (values >= own), 255 - values, table)
    if "autocontrast" in chosen:
        table = torch.where(chosen["autocontrast"], _stretched(pixels, values), table)
    if "equalize" in chosen:
        table = torch.where(chosen["equalize"], _equalized(pixels, values), table)
    return table.to(torch.uint8)


def _looked_up(pixels: Tensor, table: Tensor) -> Tensor:
    return table.gather(2, pixels.flatten(2).long()).view_as(pixels)


def _stretched(pixels: Tensor, values: Tensor) -> Tensor:
    """Values from a channel's least to its greatest, spread from 0 to 255."""
    flat = pixels.flatten(2).long()
    least, most = flat.amin(2, keepdim=True), flat.amax(2, keepdim=True)
    spread = (values - least) * 255 // (most - least).clamp(1)
    return torch.where(most > least, spread.clamp(0, 255), values)


def _equalized(pixels: Tensor, values: Tensor) -> Tensor:
    """Values that are about equally frequent, as PIL's ImageOps.equalize counts them."""
    flat = pixels.flatten(2).long()
    frequency = torch.zeros(*flat.shape[:2], 256, dtype=torch.int64, device=flat.device)
    frequency = frequency.scatter_add(2, flat, torch.ones_like(flat))
    below = frequency.cumsum(2) - frequency
    # All pixels but those of the greatest value.
    step = below.gather(2, flat.amax(2, keepdim=True)) // 255
    return torch.where(step > 0, ((step // 2 + below) // step.clamp(1)).clamp(0, 255), values)


def _enhanced(pixels: Tensor, is_chosen: dict[str, Tensor], strengths: dict[str, Tensor]) -> Tensor:
    """Each image blended with itself in grey, or with itself made smooth."""
    others, factors = pixels.float(), torch.ones(1, device=pixels.device)
    for name, other in (("saturation", _grey), ("sharpness", _smooth)):
        if name in strengths:
            others = torch.where(is_chosen[name].view(-1, 1, 1, 1), other(pixels).float(), others)
            factors = factors + strengths[name]
    return _blended(others, pixels.float(), factors.view(-1, 1, 1, 1)).to(torch.uint8)


def _blended(ground: Tensor, images: Tensor, factors: Tensor) -> Tensor:
    """As PIL blends: clipped, and rounded down."""
    return (ground + factors * (images - ground)).clamp(0, 255).trunc()


def _grey(pixels: Tensor) -> Tensor:
    """Images in grey as PIL rounds it, (batch, 1, height, width); of other than three channels their mean."""
    if pixels.shape[1] != 3:
        return pixels.float().mean(1, keepdim=True).round().long()
    red, green, blue = pixels.int().unbind(1)
    return ((19595 * red + 38470 * green + 7471 * blue + 2**15) >> 16).long().unsqueeze(1)


def _mean_grey(pixels: Tensor) -> Tensor:
    """The mean of an image in grey, rounded half up: (batch, 1, 1)."""
    grey = _grey(pixels).flatten(2)
    count = grey.shape[2]
    return ((2 * grey.sum(2, keepdim=True) + count) // (2 * count)).float()


def _smooth(pixels: Tensor) -> Tensor:
    """PIL's ImageFilter.SMOOTH: of each pixel 5, of each of its neighbours 1 part in 13; edges stay as they are."""
    if min(pixels.shape[2:]) < 3:
        return pixels
    whole = pixels.float()
    # Sums of nine bytes are exact.
    sums = F.avg_pool2d(whole, 3, 1, divisor_override=1) + 4 * whole[:, :, 1:-1, 1:-1]
    inner = ((2 * sums.long() + 13) // 26).to(torch.uint8)
    return torch.cat(
        [
            pixels[:, :, :1],
            torch.cat([pixels[:, :, 1:-1, :1], inner, pixels[:, :, 1:-1, -1:]], 3),
            pixels[:, :, -1:],
        ],
        2,
    )
