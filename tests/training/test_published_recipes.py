"""The presets of published results have the papers' networks, counted by hand, and the papers' recipes."""

import pytest

from connprune.architecture.base import Shape
from connprune.architecture.shapes import parameter_count
from connprune.data.augmentations import Crop
from connprune.training.configuration import Configuration, resolve
from connprune.training.recipe import SGD
from connprune.training.schedules import StepDecay


def parameters(chosen: Configuration) -> int:
    return parameter_count(chosen.with_input(Shape(3, 32, 32), 10))


def convolution(maps: int, filters: int, kernel: int = 3) -> int:
    """Without bias, as in the papers, where a normalisation follows."""
    return maps * filters * kernel**2


def norm(maps: int) -> int:
    return 2 * maps


def test_resnet20_is_the_paper_s() -> None:
    """Table 6: 0.27 million. 6n + 2 layers with n = 3; shortcuts have no parameters (option A)."""
    counted = convolution(3, 16) + norm(16)
    maps = 16
    for filters in (16, 32, 64):
        for _ in range(3):
            counted += convolution(maps, filters) + norm(filters) + convolution(filters, filters) + norm(filters)
            maps = filters
    counted += 64 * 10 + 10
    chosen = resolve("resnet20")
    assert parameters(chosen) == counted == 269_722
    recipe = chosen.training
    # 45,000 images make 352 batches, so 64,000 steps are 182 epochs; the rates fall after 32,000 and 48,000.
    assert (recipe.epochs, recipe.batch_size) == (round(64_000 / 352), 128)
    assert recipe.optimizer == SGD(rate=0.1, momentum=0.9, nesterov=False, weight_decay=1e-4)


def test_densenet40_is_the_paper_s() -> None:
    """Table 2: 1.0 million. Three blocks of 12 layers, growth rate 12, transitions that keep their width."""
    counted, maps = convolution(3, 16), 16
    for block in range(3):
        for _ in range(12):
            counted += norm(maps) + convolution(maps, 12)
            maps += 12
        if block < 2:
            counted += norm(maps) + convolution(maps, maps, kernel=1)
    counted += norm(maps) + maps * 10 + 10
    chosen = resolve("densenet40")
    assert parameters(chosen) == counted == 1_019_722
    assert (chosen.training.epochs, chosen.training.batch_size) == (300, 64)
    assert chosen.training.optimizer == SGD(rate=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)


@pytest.mark.parametrize(("name", "network"), [("resnet20", "residual"), ("densenet40", "densely-connected")])
def test_both_have_the_usual_augmentation_and_steps(name: str, network: str) -> None:
    chosen, below = resolve(name), resolve(network)
    assert chosen.training.schedule == StepDecay(milestones=(0.5, 0.75), gamma=0.1)
    assert chosen.data.augment.operations == (Crop(padding=4, fill=121),)
    assert (chosen.data.augment.shift, chosen.data.augment.flip, chosen.data.validation) == (0, 0.5, 0.1)
    for part in ("layers", "connections", "merge", "merges", "gates", "head"):
        assert getattr(chosen, part) == getattr(below, part), part


def test_a_search_in_one_of_them_takes_one_setting() -> None:
    chosen = resolve("resnet20", assignments=["gates={kind: hard-concrete, penalty: 1e-3}"])
    gated = chosen.with_input(Shape(3, 32, 32), 10)
    assert parameter_count(gated) == 269_722 + len(gated.gated_connections)
