"""Batches made on the device: images stay there as they are stored, and a batch is one gather.

Where they stay in the host's memory, the images of a batch are copied there first, see `connprune.data.supply`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor

from connprune.data.augmentation import Batch, Operations
from connprune.data.images import Images
from connprune.data.operations import Drawn, taken
from connprune.data.random import stream
from connprune.data.settings import Augment

# Large enough to keep a device busy, small enough for the widest merges to fit in memory.
EVALUATION_BATCH = 256


class Draws(NamedTuple):
    """Which images make a batch, or an epoch, and how each is changed.

    Attributes:
        order: (count,), the number of the image at each place; where images stay in the host's memory, it is there
            until a batch is supplied with them.
        rows: (count, height), the row of the image that each row shows.
        columns: (count, width), the column of the image that each column shows.
        changes: what the changes drew.
        other: the image that each is mixed with; None if they are not mixed.
        mixings: how they are mixed.
        pixels: (count, feature maps, height, width), the images as they are stored; None if they are on the device.
    """

    order: Tensor
    rows: Tensor
    columns: Tensor
    changes: tuple[Drawn, ...] = ()
    other: "Draws | None" = None
    mixings: tuple[Drawn, ...] = ()
    pixels: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> "Draws":
        """The same with each tensor changed."""
        return Draws(
            change(self.order),
            change(self.rows),
            change(self.columns),
            tuple(tuple(map(change, drawn)) for drawn in self.changes),
            self.other.map(change) if self.other else None,
            tuple(tuple(map(change, drawn)) for drawn in self.mixings),
            None if self.pixels is None else change(self.pixels),
        )

    def of(self, chosen: slice) -> "Draws":
        """Those of some of the images."""
        return self.map(lambda drawn: drawn[chosen])

    def tensors(self) -> list[Tensor]:
        """All tensors, in one order."""
        others = self.other.tensors() if self.other else []
        pixels = [] if self.pixels is None else [self.pixels]
        return [self.order, self.rows, self.columns, *pixels, *chain(*self.changes), *others, *chain(*self.mixings)]

    def ordered_by_host(self) -> "Draws":
        """The same with the order in the host's memory, which waits for the device once."""
        other = self.other.ordered_by_host() if self.other else None
        return self._replace(order=self.order.cpu(), other=other)


@dataclass(frozen=True)
class Epoch:
    """The batches of one epoch, drawn beforehand.

    Attributes:
        images: all training images; their labels are on the device.
        draws: of all images.
        batch_size: images a batch.
        operations: what else is done to a batch.
        fewest: if less would be left for the last batch, it joins the one before.
    """

    images: Images
    draws: Draws
    batch_size: int
    operations: Operations
    fewest: int = 1

    def __len__(self) -> int:
        return steps_of(len(self.draws.order), self.batch_size, self.fewest)

    def draws_of(self, step: int) -> Draws:
        """The draws of one batch."""
        end = None if step == len(self) - 1 else (step + 1) * self.batch_size
        return self.draws.of(slice(step * self.batch_size, end))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Images, (batch, feature maps, height, width) as they are stored or float32, and labels, (batch,)."""
        batch = augmented(self.images, self.draws_of(step), self.operations)
        return batch.images, batch.likeliest


def steps_of(count: int, batch_size: int, fewest: int = 1) -> int:
    """How many batches so many images make; a last one of fewer than `fewest` joins the one before."""
    whole, left = divmod(count, batch_size)
    return max(1, whole + (left >= fewest and left > 0))


def augmented(images: Images, draws: Draws, operations: Operations) -> Batch:
    """A batch, changed and mixed.

    Args:
        images: all training images.
        draws: which of them, and how each is changed.
        operations: what else is done to them.
    """
    pixels = images.images[images.stored(draws.order)] if draws.pixels is None else draws.pixels
    chosen = taken(pixels, draws.rows, draws.columns)
    batch = Batch(operations.changed(chosen, draws.changes), images.labels[draws.order])
    if draws.other is None:
        return batch
    return operations.mixed(batch, augmented(images, draws.other, operations), draws.mixings)


def gathered(images: Tensor, order: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Chosen images with their rows and columns in another order, by one gather of their pixels.

    Args:
        images: (count, feature maps, height, width).
        order: (batch,), which images.
        rows: (batch, height), which rows.
        columns: (batch, width), which columns.
    """
    return taken(images[order], rows, columns)


def moved(shifts: Tensor, flips: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The rows, (count, height), and the columns, (count, width), of images that are shifted and then perhaps mirrored.

    Args:
        shifts: (count, 2), whole pixels down and to the right; the edge is repeated.
        flips: (count,), whether the image is mirrored left to right.
        height: of the images.
        width: of the images.
    """
    positions = torch.arange(max(height, width), device=shifts.device)
    across = torch.where(flips[:, None], width - 1 - positions[:width], positions[:width])
    rows = (positions[:height] - shifts[:, :1]).clamp(0, height - 1)
    return rows, (across - shifts[:, 1:]).clamp(0, width - 1)


def balanced(order: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """As many images of each class: one of the smallest classes as often as it takes, of a large one not all.

    Args:
        order: (count,), all images in a random order.
        labels: (count,), of the images in their own.
        generator: draws which classes have an image more than others, and the new order.

    Returns:
        (count,): of a class as many as of another, or one more; each image of it as often as another, or once more.
    """
    count, device = len(order), order.device
    present, which, sizes = labels.unique(return_inverse=True, return_counts=True)
    members = order[which[order].argsort(stable=True)]
    begins = sizes.cumsum(0) - sizes
    numbers = torch.arange(count, device=device)
    turns = torch.randperm(len(present), generator=generator, device=device)[numbers % len(present)]
    chosen = members[begins[turns] + numbers // len(present) % sizes[turns]]
    return chosen[torch.randperm(count, generator=generator, device=device)]


def draw_epoch(
    images: Images,
    augment: Augment,
    batch_size: int,
    seed: int,
    number: int,
    fewest: int = 1,
    is_balanced: bool = False,
) -> Epoch:
    """The batches of epoch `number`; the same seed and number give the same batches on the same kind of device.

    Args:
        images: to draw from.
        augment: how they are changed.
        batch_size: images a batch.
        seed: of the training.
        number: of the epoch.
        fewest: as of `Epoch`.
        is_balanced: whether all classes have as many images.
    """
    device = images.labels.device
    generator = stream(seed, "epoch", number, device=device)
    count = len(images)
    order = torch.randperm(count, generator=generator, device=device)
    sides = torch.tensor(images.images.shape[2:], device=device)
    reach = torch.round(sides * augment.shift)
    drawn = torch.rand(count, 2, generator=generator, device=device)
    shifts = (drawn * (2 * reach + 1)).floor().sub(reach).long()
    flips = torch.rand(count, generator=generator, device=device) < augment.flip
    if is_balanced:
        order = balanced(order, images.labels, stream(seed, "sampling", number, device=device))
    operations = Operations(augment.operations, images.images)
    # Of a stream of its own: what comes before is drawn alike, whatever comes after it.
    generator = stream(seed, "operations", number, device=device)
    rows, columns = moved(shifts, flips, *images.images.shape[2:])
    draws = Draws(order, rows, columns, operations.draw_changes(count, generator))
    if operations.mix:
        # The images are in a random order, so the one before is any other.
        other = draws.map(lambda tensor: tensor.roll(1, 0))
        draws = draws._replace(other=other, mixings=operations.draw_mixings(count, generator))
    if images.stays_on_host:
        draws = draws.ordered_by_host()
    return Epoch(images, draws, batch_size, operations, fewest)


def in_order(images: Images, batch_size: int = EVALUATION_BATCH) -> Iterator[tuple[Tensor, Tensor]]:
    """All images as they are, on the device of their labels, for evaluation."""
    return ((batch.to(labels.device), labels) for batch, labels in images.in_order(batch_size))
