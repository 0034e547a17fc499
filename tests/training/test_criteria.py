"""Importance criteria, as far as they depend on the device."""

import pytest
import torch
from torch import Tensor, nn

from connprune.architecture.base import Shape
from connprune.data.images import Images
from connprune.errors import ArgumentError
from connprune.network import build
from connprune.training.configuration import resolve
from connprune.training.criteria import Evidence, by_saliency, by_strength, scores_by
from connprune.training.importance import CRITERIA


def test_saliency_of_a_recurrent_network_takes_what_cudnn_can_differentiate() -> None:
    """cuDNN refuses the backward pass of a recurrent layer in evaluation; nothing else may be in training then."""
    torch.manual_seed(0)
    network = build(resolve("sequence").with_input(Shape(8, 1, 8), 10)).eval()
    images = Images(torch.randint(0, 256, (20, 8, 1, 8), dtype=torch.uint8), torch.arange(20) % 10)
    seen: dict[bool, set[bool]] = {True: set(), False: set()}
    for module in network.modules():
        is_recurrent = isinstance(module, nn.RNNBase)
        module.register_forward_hook(
            lambda module, *_, is_recurrent=is_recurrent: seen[is_recurrent].add(module.training)
        )
    scores = by_saliency(Evidence(network=network, validation=images, seed=0))
    assert seen == {True: {True}, False: {False}}
    assert not any(module.training for module in network.modules())
    assert all(score.isfinite().all() for score in scores)


def test_strength_sees_the_weights_of_the_group_that_reads_a_feature_map() -> None:
    layers = "[{kind: conv, feature_maps: 4}, {kind: conv, feature_maps: 6, groups: 2}, {kind: depthwise-conv}]"
    chosen = resolve("digits", assignments=[f"layers={layers}", "connections=chain", "gates.sharing=per-feature-map"])
    torch.manual_seed(0)
    network = build(chosen.with_input(Shape(1, 8, 8), 10)).eval()
    images = Images(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]))
    of_grouped, of_depthwise, _ = by_strength(Evidence(network=network, validation=images, seed=0))
    gate = torch.sigmoid(torch.tensor(0.5))
    grouped, depthwise = (network.get_parameter(f"layer_{name}.weight") for name in ("conv2", "depthwise1"))
    for place, score in enumerate(of_grouped):
        group, own = divmod(place, 2)
        torch.testing.assert_close(score, gate * grouped[3 * group : 3 * group + 3, own].norm())
    torch.testing.assert_close(of_depthwise, gate * depthwise.flatten(1).norm(dim=1))


@pytest.mark.parametrize(("aggregate", "factor"), [("concat", 1), ("sum", 1), ("max", 1), ("mean", 1 / 2)])
def test_strength_is_of_the_weights_that_read_what_connections_bring(aggregate: str, factor: float) -> None:
    """Through a pooling without weights too: there they are those of what reads it."""
    layers = "[{kind: conv, feature_maps: 4}, {kind: conv, feature_maps: 4}, {kind: max-pool}]"
    wiring = "{conv1: [input], conv2: [conv1], pool1: [conv1, conv2], head: [pool1]}"
    chosen = resolve(
        "digits",
        assignments=[f"layers={layers}", f"connections={wiring}", f"merge.aggregate={aggregate}", "head.hidden=[]"],
    )
    torch.manual_seed(0)
    network = build(chosen.with_input(Shape(1, 8, 8), 10)).eval()
    images = Images(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]))
    _, *of_pool, of_head = by_strength(Evidence(network=network, validation=images, seed=0))
    gate = torch.sigmoid(torch.tensor(0.5))
    head = network.get_parameter("head.dense.0.weight").view(10, len(of_head), -1)
    torch.testing.assert_close(of_head, gate * torch.linalg.vector_norm(head, dim=(0, 2)))
    merged = torch.cat([of_head, of_head])[:8] if aggregate != "concat" else of_head
    torch.testing.assert_close(torch.cat(of_pool), gate * factor * merged)


def test_strength_before_a_squeeze_is_of_its_own_weights() -> None:
    chosen = resolve("digits", assignments=["merge.aggregate=squeeze"])
    torch.manual_seed(0)
    network = build(chosen.with_input(Shape(1, 8, 8), 10)).eval()
    images = Images(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]))
    scores = by_strength(Evidence(network=network, validation=images, seed=0))
    weight = network.get_parameter("merge_head.aggregate.weight")
    last = torch.cat(scores[-len(network.architecture.connections["head"]) :])
    torch.testing.assert_close(last, torch.sigmoid(torch.tensor(0.5)) * torch.linalg.vector_norm(weight, dim=(0, 2, 3)))


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ([torch.ones(1)], "expected for each of the 3 gated connections one score"),
        ([torch.ones(1), torch.ones(1), torch.ones(3)], "expected for each of the 3 gated connections one score"),
        ([torch.ones(1), torch.ones(()), torch.ones(1)], "expected for each of the 3 gated connections one score"),
        ([torch.ones(1), torch.full((1,), torch.nan), torch.ones(1)], "no finite number"),
    ],
)
def test_scores_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, scores: list[Tensor], told: str) -> None:
    chosen = resolve("digits", assignments=["layers=[{kind: conv, feature_maps: 4}, {kind: conv, feature_maps: 2}]"])
    network = build(chosen.with_input(Shape(1, 8, 8), 10)).eval()
    count = len(network.architecture.gated_connections)
    assert count == 5
    rest = [torch.ones(1)] * (count - 3)
    monkeypatch.setitem(CRITERIA._parts, "own", lambda evidence: scores + rest if len(scores) == 3 else scores)
    images = Images(torch.zeros(2, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]))
    with pytest.raises(ArgumentError, match=told.replace("3", str(count))):
        scores_by("own", Evidence(network, images, 0))
