"""Unrolled networks compute what a naive loop over passes does, and one pass is the forward network bit for bit."""

from typing import Any

import pytest
import torch
from torch import Tensor

from connprune import build
from connprune.architecture import Architecture
from connprune.network import Network
from connprune.network.folding import fold_gates
from tests.network.reference import naive_scores, shaken

CYCLIC: dict[str, Any] = {
    "input": {"feature_maps": 2, "height": 6, "width": 6},
    "classes": 3,
    "layers": [
        {"name": "a", "kind": "conv", "feature_maps": 4, "norm": "batch", "bias": True},
        {"name": "pool", "kind": "max-pool"},
        {"name": "b", "kind": "conv", "feature_maps": 3},
        {"name": "c", "kind": "conv", "feature_maps": 4, "stride": 2},
    ],
    "unroll": 2,
    "connections": "complete",
    "gates": {"kind": "sigmoid", "initialisation": {"kind": "uniform", "low": -1.0, "high": 1.0}},
}


def network_of(**changes: Any) -> Network:
    torch.manual_seed(1)
    return shaken(build(Architecture.model_validate({**CYCLIC, **changes})).double())


def images(count: int = 3) -> Tensor:
    return torch.rand(count, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def gradients(network: Network, scores: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(scores.square().sum(), list(network.parameters())))


@pytest.mark.parametrize("passes", [2, 3, 5])
@pytest.mark.parametrize("merge", [{"aggregate": "concat"}, {"aggregate": "sum"}, {"aggregate": "max"}])
def test_values_and_gradients_are_those_of_the_naive_loop(passes: int, merge: dict[str, str]) -> None:
    network = network_of(unroll=passes, merge=merge).eval()
    scores, expected = network(images()), naive_scores(network, images())

    torch.testing.assert_close(scores, expected, rtol=1e-9, atol=1e-9)
    for ours, theirs in zip(gradients(network, scores), gradients(network, expected), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_more_passes_are_another_function_of_the_same_weights() -> None:
    first, second = network_of(unroll=2).eval(), network_of(unroll=3).eval()
    second.load_state_dict(first.state_dict())

    assert not torch.allclose(first(images()), second(images()))


def test_passes_change_nothing_without_backward_connections() -> None:
    dense = {"connections": "dense"}
    one, several = network_of(unroll=1, **dense), network_of(unroll=3, **dense)

    assert torch.equal(one(images()), several(images()))
    assert all(map(torch.equal, one.state_dict().values(), several.state_dict().values()))


def test_recomputed_merges_give_the_same_gradients() -> None:
    network = network_of(unroll=3)
    plain = gradients(network, network(images()))
    network = network_of(unroll=3)
    network.recompute_merges(True)

    assert all(map(torch.equal, plain, gradients(network, network(images()))))


def test_one_set_of_statistics_sees_every_pass() -> None:
    network = network_of(unroll=3)
    norm: Any = network.get_submodule("layer_a.norm")
    seen: list[Tensor] = []
    norm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    mean = norm.running_mean.clone()
    network(images())

    assert len(seen) == 3
    for values in seen:
        mean += (norm.momentum) * (values.mean((0, 2, 3)) - mean)
    torch.testing.assert_close(norm.running_mean, mean)


def test_folding_takes_the_gates_of_backward_connections_too() -> None:
    network = network_of(unroll=3, merge={"aggregate": "concat"}).eval()
    folded = fold_gates(network)

    # The pooling has no weights, and what it gives is read in the next pass.
    assert {target for _, target in folded.architecture.gated_connections} == {"pool"}
    torch.testing.assert_close(folded(images()), network(images()), rtol=1e-9, atol=1e-9)
