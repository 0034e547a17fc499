"""Networks of the literature: as many parameters as published, the scores of other people's code, and a cut."""

from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from connprune.architecture.base import Shape
from connprune.network import Network, build
from connprune.network.weighted import Weighted
from connprune.training.configuration import resolve
from tests.conftest import Command
from tests.network.reference import shaken

IMAGENET = (Shape(3, 224, 224), 1000)
CIFAR = (Shape(3, 32, 32), 10)
PUBLISHED = [
    ("resnet-18", IMAGENET, 11_689_512),
    ("mobilenet-v2", IMAGENET, 3_504_872),
    ("nas-bench-101", CIFAR, 2_694_282),
]


@pytest.mark.parametrize(("name", "images", "parameters"), PUBLISHED)
def test_parameters_are_as_published(command: Command, name: str, images: tuple[Shape, int], parameters: int) -> None:
    """Without any image, which these presets do not even have at this size."""
    shape, classes = images
    text = f"{shape.feature_maps}x{shape.height}x{shape.width}"
    outcome = command("inspect", "--preset", name, "--input", text, "--classes", str(classes), "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["parameters"] == parameters


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--preset", "digits", "--input", "3x224", "--classes", "10"), "found '3x224', expected feature maps, height"),
        (("--preset", "digits", "--input", "3x0x8", "--classes", "10"), "expected feature maps, height and width"),
        (("--preset", "digits", "--input", "3x8x8"), "--input and --classes go together"),
        (("--input", "3x8x8", "--classes", "10"), "--input goes with --preset, --config or --set"),
        (("--preset", "blog", "--input", "3x2x2", "--classes", "10"), "use larger images or fewer layers"),
    ],
)
def test_what_is_no_shape_is_refused(command: Command, arguments: tuple[str, ...], told: str) -> None:
    outcome = command("inspect", *arguments)
    assert outcome.code == 2
    assert told in outcome.err


def with_weights_of(theirs: nn.Module, ours: Network) -> Network:
    """Ours with their weights, convolution by convolution and norm by norm, in the order of both."""
    convolutions = [module for module in theirs.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in theirs.modules() if isinstance(module, nn.BatchNorm2d)]
    (classifier,) = (module for module in theirs.modules() if isinstance(module, nn.Linear))
    blocks = [module for module in ours.modules() if isinstance(module, Weighted)]
    for block, convolution, norm in zip(blocks, convolutions, norms, strict=True):
        block.get_parameter("weight").data.copy_(convolution.weight.data)
        block.get_submodule("norm").load_state_dict(norm.state_dict())
    ours.head.dense[0].load_state_dict(classifier.state_dict())
    return ours


@pytest.mark.parametrize(("preset", "name"), [("resnet-18", "resnet18"), ("mobilenet-v2", "mobilenet_v2")])
def test_scores_are_those_of_torchvision(preset: str, name: str) -> None:
    torch.manual_seed(0)
    theirs: Any = getattr(torchvision.models, name)(num_classes=7)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            shaken(nn.ModuleDict({"norm": module}))
    ours = with_weights_of(theirs, build(resolve(preset).with_input(Shape(3, 70, 64), 7)))
    images = torch.rand(2, 3, 70, 64) * 255
    with torch.no_grad():
        expected = theirs.eval()(images)
        torch.testing.assert_close(ours.eval()(images), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, _, _ in PUBLISHED])
def test_each_is_trained_cut_and_trained_again(command: Command, name: str) -> None:
    gates = "gates={kind: sigmoid, sharing: per-feature-map, rate: 0.05, penalty: 0.001}"
    small = ("data.train_images=65", "training.batch_size=32", gates)
    settings = [part for setting in small for part in ("--set", setting)]
    train = ("train", "--preset", name, "--data", "digits", "--epochs", "1", "--device", "cpu")
    trained = command(*train, *settings, "--run", "whole", "--json")
    assert trained.code == 0, trained.err
    cut = command("prune", "whole", "--sparsity", "0.2", "--granularity", "feature-map", "--out", "cut", "--json")
    assert cut.code == 0, cut.err
    assert cut.json["after"]["parameters"] < 0.8 * cut.json["before"]["parameters"]
    again = command("retrain", "cut", "--json")
    assert again.code == 0, again.err
