"""A merge with weights that a plug-in brings: the one file of the documentation, and nothing else."""

from pathlib import Path

import pytest
import torch

from connprune import build, cut
from connprune.architecture import Architecture, Threshold
from connprune.architecture.aggregates import AGGREGATES
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.network.expected_cost import ExpectedCost
from connprune.network.slicing import sliced_weights
from connprune.plugins import load_plugin
from connprune.training.criteria import Evidence, by_strength
from connprune.training.json_schema import configuration_schema
from tests.network.reference import shaken

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "merges.md"
PLUGIN = PAGE.read_text().split("```python\n")[1].split("```")[0]


@pytest.fixture
def scaled(digits: Architecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Architecture:
    (tmp_path / "scaled.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(AGGREGATES, "_parts", dict(AGGREGATES._parts))
    load_plugin("scaled")
    return digits.replace(merge={"aggregate": "scaled"}, gates={"sharing": "per-feature-map"})


def test_its_cut_computes_and_counts_what_is_left(scaled: Architecture) -> None:
    torch.manual_seed(0)
    parent = shaken(build(scaled).double()).eval()
    for name, parameter in parent.named_parameters():
        if name.endswith("aggregate.scale"):
            torch.nn.init.normal_(parameter)
    assert parameter_count(scaled) == sum(parameter.numel() for parameter in parent.parameters())
    is_open = (torch.rand(sum(scaled.gate_counts)) > 0.5).double()
    split = zip(scaled.gated_connections, is_open.split(list(scaled.gate_counts)), strict=True)
    outcome = cut(scaled, {str(connection): gates.tolist() for connection, gates in split}, Threshold(0.5))
    smaller = outcome.architecture
    network = build(smaller).double().eval()
    network.load_state_dict(sliced_weights(scaled, parent.state_dict(), outcome))
    assert parent.gates is not None
    images = torch.rand(3, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(network(images), parent(images, parent.gates.values() * is_open))
    cost = ExpectedCost(scaled).double()(parent.gates, is_open)
    assert cost.tolist() == pytest.approx([parameter_count(smaller), mac_count(smaller)], rel=1e-6)


def test_its_strength_is_that_of_weights_with_its_factors_in_them(scaled: Architecture) -> None:
    torch.manual_seed(0)
    network = build(scaled).eval()
    plain = build(scaled.replace(merge={"aggregate": "concat"})).eval()
    state = network.state_dict()
    scales = {name: state.pop(name).uniform_(-2, 2) for name in list(state) if name.endswith("aggregate.scale")}
    plain.load_state_dict(state)
    ours, others = (by_strength(Evidence(each, validation=None, seed=0)) for each in (network, plain))  # type: ignore[arg-type]
    last = len(scaled.connections["head"])
    expected = torch.cat(others[-last:]) * scales["merge_head.aggregate.scale"].abs()
    torch.testing.assert_close(torch.cat(ours[-last:]), expected)


@pytest.mark.usefixtures("scaled")
def test_the_schema_of_a_configuration_offers_it() -> None:
    aggregate = configuration_schema()["$defs"]["Merge"]["properties"]["aggregate"]
    assert "scaled" in aggregate["enum"]
    assert "`scaled`, one behind the other, each feature map times a learned factor" in aggregate["description"]
