"""Images in the host's memory: batches are what they would be with all images on the device."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune.architecture.base import Shape
from connprune.bench.run import random_splits
from connprune.data.augmentations import Crop, CutMix, Mixup, TrivialAugment
from connprune.data.batches import augmented, draw_epoch, in_order
from connprune.data.images import Images
from connprune.data.settings import Augment
from connprune.data.supply import Supply
from connprune.network import build
from connprune.training.placing import placed
from connprune.training.trainer import Trainer
from tests.training.helpers import configuration

CPU = torch.device("cpu")
SPLITS = random_splits(Shape(3, 6, 5), 4, count=41)
# Such as are a part of what is stored.
SOME = replace(SPLITS.train, labels=SPLITS.train.labels[:20], rows=torch.arange(40, 0, -2))


@given(
    st.sampled_from([SPLITS.train, SOME]),
    st.sampled_from([(), (Crop(padding=1),), (TrivialAugment(), Mixup(), CutMix())]),
    st.booleans(),
    st.sampled_from([slice(None), slice(1, None, 2), slice(3)]),
)
def test_a_supplied_batch_is_the_same(images: Images, operations: tuple, is_balanced: bool, part: slice) -> None:  # type: ignore[type-arg]
    augment = Augment(shift=0.2, flip=0.5, operations=operations)
    batches = []
    for given_images in (images, images.supplied_to(CPU)):
        epoch = draw_epoch(given_images, augment, 8, seed=3, number=1, fewest=2, is_balanced=is_balanced)
        supply = Supply(given_images) if given_images.stays_on_host else lambda draws: draws
        drawn = [supply(epoch.draws_of(step).of(part)) for step in range(len(epoch))]
        batches.append([augmented(given_images, draws, epoch.operations) for draws in drawn])
    for mine, theirs in zip(*batches, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            assert (one is None and other is None) or torch.equal(one, other)


def test_images_are_evaluated_as_they_are() -> None:
    for mine, theirs in zip(in_order(SOME, 8), in_order(SOME.supplied_to(CPU), 8), strict=True):
        assert all(map(torch.equal, mine, theirs))
    assert SOME.supplied_to(CPU)[3:9].stays_on_host


def test_a_training_on_images_in_the_host_s_memory_is_the_same() -> None:
    operations = "data.augment.operations=[{kind: mixup}]"
    chosen = configuration(operations, "training.accumulate=2", "training.sampling=balanced")
    splits = random_splits(Shape(1, 8, 8), 10, count=70)
    weights = []
    for where in ("device", "host"):
        torch.manual_seed(0)
        network = build(chosen.with_input(Shape(1, 8, 8), 10))
        there = placed(splits, CPU, where, pytest.fail)
        assert there.train.stays_on_host == (where == "host")
        trainer = Trainer(network, there, chosen.data.augment, chosen.training, pytest.fail)
        epoch = trainer.train_epoch(lambda: False, lambda: None)
        assert epoch is not None
        weights.append((network.state_dict(), epoch.train_loss, epoch.validation_loss))
    assert weights[0][1:] == weights[1][1:]
    for name, weight in weights[0][0].items():
        assert torch.equal(weight, weights[1][0][name]), name


def test_images_that_would_fill_the_device_stay_where_they_are_and_that_is_said() -> None:
    told: list[str] = []
    enough = 2 * SPLITS.nbytes
    assert not placed(SPLITS, CPU, "auto", told.append, enough).train.stays_on_host
    assert not placed(SPLITS, CPU, "auto", told.append).train.stays_on_host
    assert not placed(SPLITS, CPU, "device", told.append, enough - 1).train.stays_on_host
    assert told == []
    small = placed(SPLITS, CPU, "auto", told.append, enough - 1)
    assert all(images.stays_on_host for images in (small.train, small.validation, small.test))
    (sentence,) = told
    assert "more than half of the" in sentence
    assert "training.images" in sentence
