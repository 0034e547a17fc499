"""Batches: every image once an epoch, shifted and mirrored as one by one, and the same again for the same seed."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from connprune.data.batches import balanced, draw_epoch, gathered, in_order, moved
from connprune.data.images import Images, normalisation
from connprune.data.settings import Augment, DataSettings, Normalise
from connprune.data.sources import load
from connprune.data.splits import split
from connprune.errors import UsageError


@pytest.fixture(scope="module")
def images() -> Images:
    return load(DataSettings(source="digits")).train


def one_by_one(image: np.ndarray, down: int, right: int, flip: bool) -> np.ndarray:
    """Shifted with the edge repeated, then mirrored."""
    height, width = image.shape[1:]
    padded = np.pad(image, ((0, 0), (height, height), (width, width)), mode="edge")
    shifted = padded[:, height - down : 2 * height - down, width - right : 2 * width - right]
    return shifted[:, :, ::-1] if flip else shifted


@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.data())
def test_a_batch_is_its_images_one_by_one(maps: int, height: int, width: int, data: st.DataObject) -> None:
    source = torch.arange(4 * maps * height * width, dtype=torch.int32).reshape(4, maps, height, width)
    count = data.draw(st.integers(1, 5))
    order = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    down = data.draw(st.lists(st.integers(-height + 1, height - 1), min_size=count, max_size=count))
    right = data.draw(st.lists(st.integers(-width + 1, width - 1), min_size=count, max_size=count))
    flips = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    shifts = torch.tensor(list(zip(down, right, strict=True)))
    batch = gathered(source, torch.tensor(order), *moved(shifts, torch.tensor(flips), height, width))
    for number, arguments in enumerate(zip(down, right, flips, strict=True)):
        expected = one_by_one(source[order[number]].numpy(), *arguments)
        assert (batch[number].numpy() == expected).all()


def test_an_epoch_has_every_image_once(images: Images) -> None:
    epoch = draw_epoch(images, Augment(), 32, seed=7, number=0)
    batches = [epoch.batch(step) for step in range(len(epoch))]
    assert [len(labels) for _, labels in batches] == [32] * 42 + [3]
    seen = torch.cat([batch for batch, _ in batches])
    assert seen.dtype == torch.uint8
    assert torch.equal(seen[epoch.draws.order.argsort()], images.images)
    assert torch.equal(torch.cat([labels for _, labels in batches])[epoch.draws.order.argsort()], images.labels)


@given(st.lists(st.sampled_from([0, 0, 0, 0, 3, 3, 7, 9]), min_size=1, max_size=60), st.integers(0, 9))
def test_balanced_classes_have_as_many_images_each_as_often(labels: list[int], seed: int) -> None:
    numbers, generator = torch.tensor(labels), torch.Generator().manual_seed(seed)
    drawn = balanced(torch.randperm(len(labels), generator=generator), numbers, generator)
    assert len(drawn) == len(labels)
    of_classes = [int((numbers[drawn] == label).sum()) for label in set(labels)]
    assert max(of_classes) - min(of_classes) <= 1
    for label in set(labels):
        often = [int((drawn == image).sum()) for image in (numbers == label).nonzero().flatten().tolist()]
        assert max(often) - min(often) <= 1


def test_balanced_epochs_differ_and_nothing_else_is_drawn_otherwise(images: Images) -> None:
    few = images[(images.labels < 3) | (torch.arange(len(images)) % 7 == 0)]
    augment = Augment(shift=0.25, flip=0.5)
    plain = draw_epoch(few, augment, 32, seed=7, number=0)
    first, again, other = (
        draw_epoch(few, augment, 32, seed=7, number=number, is_balanced=True) for number in (0, 0, 1)
    )
    assert torch.equal(first.draws.order, again.draws.order)
    assert torch.equal(first.draws.rows, plain.draws.rows)
    counts = few.labels[first.draws.order].bincount()
    assert counts.max() - counts.min() <= 1
    of_the_largest = [set(epoch.draws.order[few.labels[epoch.draws.order] == 1].tolist()) for epoch in (first, other)]
    assert of_the_largest[0] != of_the_largest[1]
    batch = few.labels[first.draws.order][:64]
    assert (batch[1:] != batch[:-1]).sum() > 40, "classes are not in turns"
    assert not torch.equal(batch[:10], batch[10:20])


def test_epochs_differ_and_can_be_repeated(images: Images) -> None:
    augment = Augment(shift=0.25, flip=0.5)
    first = draw_epoch(images, augment, 32, seed=7, number=0)
    again = draw_epoch(images, augment, 32, seed=7, number=0)
    other = draw_epoch(images, augment, 32, seed=7, number=1)
    assert torch.equal(first.batch(5)[0], again.batch(5)[0])
    assert not torch.equal(first.draws.order, other.draws.order)
    assert not torch.equal(first.draws.rows, other.draws.rows)


def test_shifts_and_flips_are_uniform(images: Images) -> None:
    epoch = draw_epoch(images, Augment(shift=0.25, flip=0.5), 32, seed=7, number=0)
    rows, columns = epoch.draws.rows, epoch.draws.columns
    flips = columns[:, 4] < columns[:, 3]
    for shifts in (4 - rows[:, 4], torch.where(flips, 3, 4) - columns[:, 4]):
        values, counts = shifts.unique(return_counts=True)
        assert values.tolist() == [-2, -1, 0, 1, 2]
        assert counts.min() > 0.8 * len(images) / 5
    assert flips.float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_without_augmentation_images_stay_as_they_are(images: Images) -> None:
    epoch = draw_epoch(images, Augment(), 32, seed=7, number=0)
    assert torch.equal(epoch.batch(3)[0], images.images[epoch.draws.order[96:128]])


def test_evaluation_sees_every_image_once(images: Images) -> None:
    parts = list(in_order(images, 100))
    assert torch.equal(torch.cat([part for part, _ in parts]), images.images)


def test_the_split_is_disjoint_and_seeded() -> None:
    dataset = load(DataSettings(source="digits"))
    one, same, other = (split(dataset, DataSettings(source="digits", split_seed=seed)) for seed in (1, 1, 2))
    assert (len(one.train), len(one.validation), len(one.test)) == (1212, 135, 450)
    assert torch.equal(one.validation.images, same.validation.images)
    assert not torch.equal(one.validation.images, other.validation.images)
    together = torch.cat([one.train.images, one.validation.images]).flatten(1).unique(dim=0)
    assert len(together) == len(dataset.train.images.flatten(1).unique(dim=0))


def test_fewer_training_images() -> None:
    dataset = load(DataSettings(source="digits"))
    fewer = split(dataset, DataSettings(source="digits", train_images=200))
    assert (len(fewer.train), len(fewer.validation)) == (200, 135)
    with pytest.raises(UsageError, match=r"data.train_images: found 1213, but 1347 .* leave 1212"):
        split(dataset, DataSettings(source="digits", train_images=1213))


def test_the_mean_image_is_that_of_the_training_part(images: Images) -> None:
    mean, divisor = normalisation(images, Normalise(subtract="pixel-mean", divide=128.0))
    torch.testing.assert_close(mean, images.images.double().mean(0).float())
    assert divisor.item() == 128.0
    channel, _ = normalisation(images, Normalise(subtract="channel-mean"))
    torch.testing.assert_close(channel, images.images.double().mean((0, 2, 3), keepdim=True)[0].float().expand(1, 8, 8))
    none, _ = normalisation(images, Normalise(subtract="none"))
    assert not none.any()


def test_the_mean_of_images_is_summed_in_whole_numbers() -> None:
    """Apple's GPUs have no float64; whole numbers sum exactly on every device."""
    pictures = torch.randint(0, 256, (3000, 2, 3, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    kinds: set[Any] = set()

    class Kinds(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            if func._opname == "sum":
                kinds.add((kwargs or {}).get("dtype"))
            return func(*args, **(kwargs or {}))

    with Kinds():  # type: ignore[no-untyped-call]
        mean, _ = normalisation(Images(pictures, torch.zeros(3000, dtype=torch.int64)), Normalise())
    assert kinds == {torch.int64}
    torch.testing.assert_close(mean, pictures.double().mean(0).float(), rtol=0, atol=0)


def test_images_that_stay_where_they_are_come_to_another_device_as_they_are() -> None:
    """In order, and without those that were not chosen; `meta` stands for any other device."""
    stored = Images(torch.arange(40, dtype=torch.uint8).view(10, 1, 2, 2), torch.arange(10), torch.arange(10))
    chosen = stored[torch.tensor([7, 2, 5])][1:]
    assert chosen.to(torch.device("cpu")).images.data_ptr() == stored.images.data_ptr()
    moved_away = chosen.to(torch.device("meta"))
    assert (moved_away.images.shape, moved_away.rows, len(moved_away)) == ((2, 1, 2, 2), None, 2)
    ((batch, labels),) = chosen.in_order(9)
    assert (batch[:, 0, 0, 0].tolist(), labels.tolist()) == ([8, 20], [2, 5])
    assert chosen.nbytes == 2 * (4 + 8)
