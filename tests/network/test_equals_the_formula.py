"""The built network computes what the plain formula does, forward and backward."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from connprune import build
from connprune.architecture import Architecture
from tests.combinations import combinations
from tests.network.reference import naive_scores, shaken
from tests.strategies import architectures

TOLERANCE = 1e-10


def assert_equals_the_formula(architecture: Architecture, batch: int) -> None:
    """In double precision: some networks magnify what single precision rounds away a thousandfold."""
    torch.manual_seed(1)
    network = shaken(build(architecture).double()).eval()
    shape = architecture.input
    images = torch.randn(batch, shape.feature_maps, shape.height, shape.width, dtype=torch.float64)
    weighting = torch.randn(batch, architecture.classes, dtype=torch.float64)
    results = []
    for scores in (network(images), naive_scores(network, images)):
        network.zero_grad()
        (scores * weighting).sum().backward()
        results.append((scores.detach(), {name: p.grad for name, p in network.named_parameters()}))
    (built, built_gradients), (naive, naive_gradients) = results
    torch.testing.assert_close(built, naive, rtol=TOLERANCE, atol=TOLERANCE)
    for name, gradient in naive_gradients.items():
        torch.testing.assert_close(built_gradients[name], gradient, rtol=TOLERANCE, atol=TOLERANCE)


@given(architectures(most_passes=3), st.integers(1, 3))
def test_any_architecture(architecture: Architecture, batch: int) -> None:
    assert_equals_the_formula(architecture, batch)


@settings(max_examples=20)
@given(architectures(most_passes=3), st.integers(1, 3))
def test_any_architecture_in_single_precision(architecture: Architecture, batch: int) -> None:
    network, shape = build(architecture).eval(), architecture.input
    scores = network(torch.rand(batch, shape.feature_maps, shape.height, shape.width))
    assert scores.dtype == torch.float32
    assert scores.isfinite().all()


@pytest.mark.parametrize("batch", [1, 2])
def test_a_batch_normalisation_behind_a_maximum_of_sequences(batch: int) -> None:
    """The maximum of a single sequence is laid out as torch's batch normalisation misreads on a CPU."""
    architecture = Architecture.model_validate(
        {
            "input": {"feature_maps": 1, "height": 1, "width": 5},
            "classes": 2,
            "layers": [{"kind": "lstm", "name": "memory", "feature_maps": 2}, {"kind": "batch-norm", "name": "norm"}],
            "connections": "dense",
            "merge": {"aggregate": "max"},
            "gates": {"kind": "sigmoid"},
        }
    )
    assert_equals_the_formula(architecture, batch)


@given(architectures(gated=False, most_passes=3), st.integers(1, 3))
def test_any_architecture_without_gates(architecture: Architecture, batch: int) -> None:
    assert_equals_the_formula(architecture, batch)


def test_the_digits_preset_in_single_precision(digits: Architecture) -> None:
    network, images = build(digits).eval(), torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(network(images), naive_scores(network, images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("aggregate", "interpolation", "kind", "sharing"), combinations())
def test_every_gate_and_merge_on_the_digits_preset(
    digits: Architecture, aggregate: str, interpolation: str, kind: str, sharing: str
) -> None:
    """Two batch sizes, since the gates go into the smaller of weights and activations."""
    gates = {"kind": kind, "sharing": sharing, "initialisation": {"kind": "normal", "mean": 0.5, "deviation": 1.0}}
    resize = {"resize": "pad"} if interpolation == "pad" else {"interpolation": interpolation}
    architecture = digits.replace(gates=gates, merge={"aggregate": aggregate, **resize})
    for batch in (2, 40):
        assert_equals_the_formula(architecture, batch)


@pytest.mark.parametrize("layer", [{"kind": "group-norm", "group_size": 3}, {"kind": "layer-norm"}])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_normalisation_of_images_has_a_backward_pass(layer: dict[str, object], layout: torch.memory_format) -> None:
    """Images need no gradient. Of channels-last ones torch 2.11 has no such pass on a CPU."""
    architecture = Architecture.model_validate(
        {
            "input": {"feature_maps": 3, "height": 6, "width": 6},
            "classes": 2,
            "layers": [{"name": "norm", **layer}],
            "connections": "chain",
        }
    )
    network = build(architecture)
    network(torch.rand(2, 3, 6, 6).contiguous(memory_format=layout)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
