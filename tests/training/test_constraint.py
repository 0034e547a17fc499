"""The cost constraint: what its metrics say is what acts."""

import pytest
import torch

from connprune.network import build
from connprune.training.configuration import design, resolve
from connprune.training.constraint import CostConstraint


@pytest.mark.parametrize("count", ["parameters", "macs"])
@pytest.mark.parametrize("most", ["1%", "20%"])
def test_the_penalty_of_the_metrics_is_what_the_loss_has_for_each_budget_used(count: str, most: str) -> None:
    chosen = resolve("digits", assignments=["gates.penalise=expected-cost", f"gates.budget={{{count}: {most}}}"])
    network = build(design(chosen))
    constraint = CostConstraint(network, 10)
    assert network.gates is not None
    for _ in range(3):
        told = constraint.metrics(1.0)
        index = {"parameters": 0, "macs": 1}[count]
        used = (constraint.cost(network.gates, network.gates.openness()) / constraint.most)[index].item()
        assert told["penalty"] > 0
        assert constraint(torch.ones(())).item() == pytest.approx(told["penalty"] * used, rel=1e-5)
    assert constraint.metrics(0.0)["penalty"] == 0
