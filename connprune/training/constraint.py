"""The cost as a constraint: what a network costs once its gates have decided is held to a budget."""

import math

import torch
from torch import Tensor

from connprune.architecture.allowed import allowed
from connprune.architecture.rules import Counts
from connprune.network.expected_cost import ExpectedCost
from connprune.network.network import Network

# How far a multiplier rises over the steps after the warm-up while its count is twice the budget.
_ASCENT = 2.0
# How much a count that is twice its budget adds to λ at once. Without it λ goes on rising until the budget holds, when
# gates that are on their way down can no longer be held.
_AT_ONCE = 1.0


class CostConstraint:
    """Adds Σ λ·cost/budget to the loss, and in the same step moves each λ by how far its count is from the budget.

    It is dual ascent on the augmented Lagrangian of "the loss, subject to the budgets" (Nocedal, Wright 2006, section
    17.4, on inequalities): a multiplier grows while its count is over the budget and falls while it is under it, never
    below 0; λ is the multiplier and something for how far the count is off now. That something has a weight of its own,
    as the proportional part of a controller has beside the integral one (Stooke, Achiam, Abbeel, "Responsive Safety in
    Reinforcement Learning by PID Lagrangian Methods", 2020).

    Args:
        network: whose gates have a budget.
        steps: how many there are after the warm-up.

    Attributes:
        multipliers: of the parameters and of the MACs, (2,).
    """

    def __init__(self, network: Network, steps: int) -> None:
        gates, architecture = network.gates, network.architecture
        if gates is None or architecture.gates is None or architecture.gates.budget is None:
            raise ValueError("a network whose gates have no budget")
        self.gates = gates
        self.cost = ExpectedCost(architecture).to(gates.weight.device)
        most = allowed(architecture)
        self.most = torch.tensor([most.get(name, math.inf) for name in Counts._fields], device=gates.weight.device)
        self.multipliers = torch.zeros(2, device=gates.weight.device)
        self.rate = _ASCENT / max(1, steps)

    def __call__(self, is_on: Tensor) -> Tensor:
        """What is added to the loss, (); `is_on` is 0 during the warm-up and 1 after it, ()."""
        used: Tensor = self.cost(self.gates, self.gates.openness()) / self.most
        over = used.detach() - 1
        weights = self._weights(over)
        self.multipliers.add_(is_on * self.rate * over).clamp_(min=0)
        return is_on * (weights * used).sum()

    def _weights(self, over: Tensor) -> Tensor:
        """λ of each count, (2,), from how far it is over its budget, as a share of that."""
        return (self.multipliers + _AT_ONCE * over).clamp(min=0)

    def metrics(self, is_on: float) -> dict[str, float]:
        """What an epoch's metrics say: the larger λ as it acts now, and the counts as they are expected now.

        Args:
            is_on: 0 during the warm-up and 1 after it.
        """
        with torch.no_grad():
            counts = self.cost(self.gates, self.gates.openness())
            weights = is_on * self._weights(counts / self.most - 1)
            parameters, macs = counts.tolist()
        return {
            "penalty": weights.max().item(),
            "expected_parameters": parameters,
            "expected_macs": macs,
        }
