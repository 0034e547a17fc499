"""What the penalty on the gates sums up: for each gate one term, from the gates and their costs, both (gates,)."""

from collections.abc import Callable

import torch
from torch import Tensor

from connprune.architecture.architecture import Architecture
from connprune.architecture.cutting import macs_of_each
from connprune.network.gates import GateWeights

_SMALLEST = 1e-7


def gate(gates: GateWeights, costs: Tensor) -> Tensor:
    """|g|."""
    return gates.values().abs()


def expected_l0(gates: GateWeights, costs: Tensor) -> Tensor:
    """The probability that the gate is not zero (Louizos, Welling, Kingma 2018, equation 12)."""
    return gates.openness()


def entropy(gates: GateWeights, costs: Tensor) -> Tensor:
    """-g·ln g - (1-g)·ln(1-g): 0 where the gate is 0 or 1."""
    values = gates.values().clamp(_SMALLEST, 1 - _SMALLEST)
    # Not torch.special.entr, which CUDA would first have to compile.
    return -(values * values.log() + (1 - values) * torch.log1p(-values))


def cost(gates: GateWeights, costs: Tensor) -> Tensor:
    """c·|g|, where c is the gate's cost over the mean of all."""
    return costs * gates.values().abs()


PENALTIES: dict[str, Callable[[GateWeights, Tensor], Tensor]] = {
    "gate": gate,
    "l0": expected_l0,
    "entropy": entropy,
    "cost": cost,
}


def relative_costs(architecture: Architecture) -> Tensor:
    """The MACs that each gate's connection brings, shared among its gates, over the mean of all gates: (gates,)."""
    counts = architecture.gate_counts
    costs = torch.tensor(macs_of_each(architecture), dtype=torch.float64) / torch.tensor(counts)
    each = costs.repeat_interleave(torch.tensor(counts))
    return (each / each.mean().clamp(min=1)).float()
