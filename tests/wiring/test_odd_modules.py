"""Modules that change things in place, share weights, have hooks or name widths: gated and cut as any, or refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune, spectral_norm

import connprune as cp
from connprune.architecture import Threshold
from connprune.errors import UsageError
from tests.wiring.test_programs import gates_of, same
from tests.wiring.test_wire import IMAGES, Written, closed, means, side_by_side

Forward = Callable[[Written, Tensor], Tensor]


def holds_for_every_cut(network: nn.Module) -> None:
    """With gates of 1 it is the network, and without a connection it is the gated one with that gate at zero."""
    network.eval()
    with torch.no_grad():
        same(cp.wire(network, IMAGES)(IMAGES), network(IMAGES))
        for number in range(len(cp.gates(cp.wire(network, IMAGES)))):
            for numbers in ((), (number,)):
                wired = closed(network, *numbers)
                gates_of(wired).weight[::2] *= -1
                same(cp.shrink(wired, Threshold(0.01))(IMAGES), wired(IMAGES))


def changed_behind_another_name(net: Written, images: Tensor) -> Tensor:
    first = net.stem(images)
    changed = net.relu(net.inner(first + net.one(first)))
    return means(net, changed + net.two(first))


def changed_behind_dropout(net: Written, images: Tensor) -> Tensor:
    first = net.stem(images)
    changed = net.relu(F.dropout(first + net.one(first), 0.5, net.training))
    return means(net, changed + net.two(first))


def changed_between_additions(net: Written, images: Tensor) -> Tensor:
    first = net.stem(images)
    total = first + net.one(first)
    return means(net, total + net.two(net.relu(net.inner(first))))


def weight_read_besides(net: Written, images: Tensor) -> Tensor:
    first = net.stem(images)
    return means(net, first + F.conv2d(first, net.one.weight, None, 1, 1) + net.one(first))


@pytest.mark.parametrize(
    "forward", [changed_behind_another_name, changed_behind_dropout, changed_between_additions, weight_read_besides]
)
def test_what_changes_in_place_or_is_read_besides(forward: Forward) -> None:
    holds_for_every_cut(Written(forward))


@pytest.mark.parametrize(
    "read",
    [
        lambda net, maps: net.flat(maps.view(-1, 512)),
        lambda net, maps: net.flat(torch.reshape(maps, (maps.size(0), 512))),
        lambda net, maps: net.flat(maps.view(maps.shape[0], maps.size(1) * maps.size(2) * maps.size(3))),
        lambda net, maps: means(net, net.wide(maps) / maps.size(1)),
        lambda net, maps: means(net, net.wide(maps) * maps.shape[-3] ** -0.5),
    ],
    ids=["view", "reshape", "sizes", "size", "shape"],
)
def test_widths_that_a_forward_names(read: Forward) -> None:
    holds_for_every_cut(Written(lambda net, images: read(net, side_by_side(net, images))))


class Tokens(nn.Module):
    """As a vision transformer begins: a class token that is as long as the batch, before those of the image."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.token = nn.Conv2d(3, 4, 4, stride=4), nn.Parameter(torch.randn(1, 1, 4))
        self.mix, self.norm, self.head = nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.stem(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(tokens.shape[0], -1, -1), tokens], 1)
        scores: Tensor = self.head((tokens + self.mix(self.norm(tokens)))[:, 0])
        return scores


def test_a_token_that_is_learned_is_no_connection() -> None:
    network = Tokens()
    assert list(cp.gates(cp.wire(network, IMAGES))) == ["mix->add"]
    holds_for_every_cut(network)


def nested(net: Written, images: Tensor) -> Tensor:
    first = net.stem(images)
    inner = net.one(first)
    return means(net, first + (inner + net.two(inner)))


def pruned(layer: nn.Conv2d) -> None:
    prune.l1_unstructured(layer, "weight", 0.5)


def hooked(layer: nn.Conv2d) -> None:
    layer.register_forward_hook(lambda _module, _inputs, made: made.relu() + 1)


@pytest.mark.parametrize("change", [pruned, spectral_norm, parametrizations.weight_norm, hooked])
@torch.no_grad()
def test_layers_that_something_else_runs_with(change: Callable[[nn.Module], object]) -> None:
    network = Written(nested).eval()
    change(network.two)
    network(IMAGES)
    holds_for_every_cut(network)
    reader = Written(lambda net, images: means(net, net.wide(side_by_side(net, images)))).eval()
    change(reader.wide)
    reader(IMAGES)
    with pytest.raises(UsageError, match=r"the feature maps of cat go to wide \(.*\), which cannot lose any"):
        cp.wire(reader, IMAGES)


@torch.no_grad()
def test_tied_weights_are_saved(tmp_path: Path) -> None:
    network = Written(nested)
    network.two.weight = network.one.weight
    holds_for_every_cut(network)
    wired = closed(network)
    for module in (wired, cp.shrink(wired, Threshold(0.01))):
        cp.save(module, tmp_path / "tied.safetensors")
        assert torch.equal(cp.restore(tmp_path / "tied.safetensors", network, IMAGES)(IMAGES), module(IMAGES))


def test_what_has_gates_gets_no_others() -> None:
    wired = cp.wire(Written(nested), IMAGES)
    with pytest.raises(UsageError, match="module: found a wired module, expected one without gates"):
        cp.wire(wired, IMAGES)
    small = cp.shrink(wired, Threshold(0.01))
    same(cp.wire(small, IMAGES).eval()(IMAGES), small.eval()(IMAGES))
