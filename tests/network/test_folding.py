"""Gates go into the weights for good, and the network computes the same without them."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune import build
from connprune.architecture import Architecture
from connprune.network import Network
from connprune.network.folding import fold_gates
from tests.conftest import preset_architecture
from tests.network.reference import shaken
from tests.strategies import architectures


def drawn(architecture: Architecture, temperature: float = 1.0) -> Network:
    """A network whose every number is one of its own."""
    network = shaken(build(architecture).double()).eval()
    if network.gates is not None:
        network.gates.weight.data.uniform_(-2, 2)
        network.gates.temperature.fill_(temperature)
    return network


def scores_of(network: Network) -> torch.Tensor:
    shape = network.architecture.input
    generator = torch.Generator().manual_seed(1)
    size = (3, shape.feature_maps, shape.height, shape.width)
    with torch.no_grad():
        scores: torch.Tensor = network(torch.rand(size, generator=generator, dtype=torch.float64) * 2 - 1)
    return scores


@given(architectures(most_passes=3), st.sampled_from([1.0, 0.3]))
def test_any_network_computes_the_same(architecture: Architecture, temperature: float) -> None:
    torch.manual_seed(3)
    network = drawn(architecture, temperature)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    folded = fold_gates(network)
    torch.testing.assert_close(scores_of(folded), scores_of(network), rtol=1e-9, atol=1e-9)
    left = folded.architecture.gated_connections
    assert set(left) <= set(architecture.gated_connections)
    assert folded.architecture.without_gates() == architecture.without_gates()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("sharing", ["shared", "per-feature-map"])
@pytest.mark.parametrize("preset", ["blog", "blog-3", "digits", "plain", "search", "sequence", "densely-connected"])
def test_concatenations_keep_none(preset: str, sharing: str) -> None:
    architecture = preset_architecture(preset)
    gates = (architecture.gates or {}) and {"sharing": sharing, "initialisation": {"kind": "normal"}}
    torch.manual_seed(3)
    folded = fold_gates(drawn(architecture.replace(gates=gates or {"sharing": sharing})))
    assert folded.gates is None
    assert folded.architecture.gates is None


def blocks(**changes: Any) -> Architecture:
    """Two layers that read all before them, and a head."""
    layers = [{"kind": "conv", "feature_maps": 3, **changes.pop("layer", {})} for _ in range(2)]
    shape = {"feature_maps": 2, "height": 6, "width": 6}
    document = {"layers": layers, "connections": "dense", "gates": {}, "input": shape, "classes": 3, **changes}
    return Architecture.model_validate(document)


@pytest.mark.parametrize("gate", [0.0, -0.7, 3.0])
def test_a_normalisation_takes_closed_negative_and_large_gates(gate: float) -> None:
    architecture = blocks(layer={"norm": "batch", "order": "norm-act-conv"}, gates={"kind": "linear"})
    network = drawn(architecture)
    assert network.gates is not None
    network.gates.weight.data[0] = gate
    folded = fold_gates(network)
    assert folded.gates is None
    torch.testing.assert_close(scores_of(folded), scores_of(network), rtol=1e-9, atol=1e-9)


def test_what_sums_read_keeps_its_gates_unless_there_is_one_input() -> None:
    architecture = blocks(merge={"aggregate": "sum"}, gates={"kind": "bernoulli", "penalty": 0.1})
    folded = fold_gates(drawn(architecture)).architecture
    assert folded.gated_connections == architecture.gated_connections
    assert folded.gates is not None
    assert (folded.gates.kind, folded.gates.penalty) == ("sigmoid", 0)
    chain = architecture.replace(connections={"conv1": ["input"], "conv2": ["conv1"], "head": ["conv1", "conv2"]})
    left = fold_gates(drawn(chain)).architecture.gated_connections
    assert [str(each) for each in left] == ["conv1->head", "conv2->head"]


def test_a_gate_that_a_pooling_passes_on_to_a_sum_stays() -> None:
    layers = [{"kind": "conv", "feature_maps": 2}, {"kind": "max-pool"}, {"kind": "conv", "feature_maps": 2}]
    connections = {"conv1": ["input"], "pool1": ["conv1"], "conv2": ["pool1"], "head": ["pool1", "conv2"]}
    architecture = blocks(layers=layers, connections=connections, merges={"head": {"aggregate": "sum"}})
    network = drawn(architecture)
    folded = fold_gates(network)
    left = [str(each) for each in folded.architecture.gated_connections]
    assert left == ["conv1->pool1", "pool1->head", "conv2->head"]
    torch.testing.assert_close(scores_of(folded), scores_of(network), rtol=1e-9, atol=1e-9)
