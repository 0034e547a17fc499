"""Concatenations that are made again give the same gradients, bit for bit, from less memory."""

import pytest
import torch
from hypothesis import given
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from connprune.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.network import build
from connprune.network.network import Network
from connprune.training.configuration import resolve
from connprune.training.trainer import recomputes_merges
from tests.strategies import architectures


def gradients(network: Network, recompute: bool) -> list[torch.Tensor]:
    given = network.architecture.input
    network.recompute_merges(recompute)
    network.zero_grad()
    torch.manual_seed(1)
    images = torch.randint(0, 256, (4, given.feature_maps, given.height, given.width), dtype=torch.uint8)
    F.cross_entropy(network(images), torch.arange(4) % network.architecture.classes).backward()
    return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]


@given(architectures(most_passes=3))
def test_gradients_are_the_same(architecture: Architecture) -> None:
    network = build(architecture).train()
    kept, recomputed = gradients(network, recompute=False), gradients(network, recompute=True)
    assert len(kept) == len(recomputed)
    assert all(torch.equal(one, other) for one, other in zip(kept, recomputed, strict=True))


def many_layers(count: int) -> Architecture:
    layers = ", ".join(["{kind: conv, feature_maps: 8}"] * count)
    return resolve("digits", assignments=[f"layers=[{layers}]"]).with_input(Shape(1, 16, 16), 10)


def kept_for_backward(network: Network) -> int:
    """Bytes that the forward pass leaves behind."""
    images = torch.zeros(64, 1, 16, 16, dtype=torch.uint8)
    network(images)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as taken:
        scores = network(images)
    assert scores.requires_grad
    return sum(event.self_cpu_memory_usage for event in taken.events())


def test_what_is_kept_grows_with_the_layers_and_not_with_their_square() -> None:
    found = {}
    for recompute in (False, True):
        networks = [build(many_layers(count)) for count in (8, 32)]
        for network in networks:
            network.recompute_merges(recompute)
        small, large = map(kept_for_backward, networks)
        found[recompute] = large / small
    # Four times the layers: sixteen times the memory in the limit if everything is kept, four times if recomputed.
    assert found[True] < 5 < found[False]


@pytest.mark.parametrize(("setting", "expected"), [("true", True), ("false", False), ("auto", True)])
def test_the_recipe_decides(setting: str, expected: bool) -> None:
    recipe = resolve("digits", assignments=[f"training.recompute={setting}"]).training
    assert recomputes_merges(many_layers(32), recipe) is expected
    assert recomputes_merges(many_layers(2), recipe) is (setting == "true")
