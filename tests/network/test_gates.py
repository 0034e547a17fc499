"""Gates start where their initialisation says, and commute where they are said to."""

import pytest
import torch

from connprune import build
from connprune.architecture import Architecture
from connprune.network.feature_maps import folded


def test_constant(digits: Architecture) -> None:
    gates = build(digits).gates
    assert gates is not None
    torch.testing.assert_close(gates.values(), torch.full((44,), 0.5).sigmoid())


def test_feed_forward_opens_the_chain(digits: Architecture) -> None:
    architecture = digits.replace(gates={"initialisation": {"kind": "feed-forward", "chain": 1.0, "rest": 0.5}})
    gates = build(architecture).gates
    assert gates is not None
    start = {str(c): w for c, w in zip(architecture.gated_connections, gates.weight.tolist(), strict=True)}
    assert {name for name, w in start.items() if w == 1.0} == {
        "conv1->conv2",
        "conv2->pool1",
        "pool1->dropout1",
        "dropout1->conv3",
        "conv3->conv4",
        "conv4->pool2",
        "pool2->dropout2",
        "dropout2->head",
    }
    assert set(start.values()) == {0.5, 1.0}


def test_normal_has_its_mean_and_deviation(blog: Architecture) -> None:
    torch.manual_seed(0)
    initialisation = {"kind": "normal", "mean": 0.5, "deviation": 0.2}
    drawn = []
    for _ in range(100):
        gates = build(blog.replace(head={"reduce": "average"}, gates={"initialisation": initialisation})).gates
        assert gates is not None
        drawn.append(gates.weight.detach())
    everything = torch.cat(drawn)
    assert everything.mean().item() == pytest.approx(0.5, abs=0.02)
    assert everything.std().item() == pytest.approx(0.2, abs=0.02)


def test_a_gate_per_feature_map(digits: Architecture) -> None:
    gates = build(digits.replace(gates={"sharing": "per-feature-map"})).gates
    assert gates is not None
    merged = digits.shapes.merged
    assert gates.weight.numel() == sum(merged[target].feature_maps for target in merged if target != "conv1")


def test_the_smaller_operand_takes_the_gates() -> None:
    gates = torch.tensor([2.0, 3.0])
    weight = torch.ones(4, 2, 3, 3)
    values, scaled = folded(torch.ones(1, 2, 5, 5), gates, weight)
    assert scaled is weight
    assert values.amax((0, 2, 3)).tolist() == [2.0, 3.0]
    images = torch.ones(9, 2, 5, 5)
    values, scaled = folded(images, gates, weight)
    assert values is images
    assert scaled.amax((0, 2, 3)).tolist() == [2.0, 3.0]


def test_a_layer_may_have_any_name(digits: Architecture) -> None:
    architecture = Architecture.model_validate(
        {
            "input": {"feature_maps": 1, "height": 8, "width": 8},
            "classes": 2,
            "layers": [
                {"kind": "conv", "feature_maps": 2, "name": name} for name in ("gates", "forward", "pop", "head2")
            ],
            "connections": "chain",
        }
    )
    assert build(architecture)(torch.zeros(1, 1, 8, 8)).shape == (1, 2)
