"""What a network costs once its gates have decided, as a differentiable function of how open they are.

It is the cut (`architecture.liveness`) with probabilities for yes and no: *and* is a product, and *or* of some
events that do not depend on each other is 1 - Π(1 - p). Where every gate is 0 or 1 it gives the counts of the network
that is left when those at 0 are cut.

What a shared gate lets through comes and goes as one, so *or* is taken over connections, not over their feature maps.
The result is the expectation over gates that open independently where the paths into and out of a layer share no gates;
elsewhere it takes paths for independent that are not. So it does for the feature maps that a block or a selection
divides, and for gates per feature map.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import INPUT
from connprune.network.expected_targets import Amounts, Pair, Target, unlikely
from connprune.network.gates import GateVector

_RARE = 1e-12


class ExpectedCost(nn.Module):
    """The expected parameters and multiply-accumulates of what a cut would leave.

    Args:
        architecture: whose gates they are.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.targets = [Target(architecture, name) for name in architecture.connections]
        self.add_module("all", nn.ModuleList(self.targets))
        self.input_maps = architecture.input.feature_maps
        prices = torch.stack([target.prices for target in reversed(self.targets)], 1)
        self.register_buffer("prices", prices, persistent=False)
        self.merges_charge_inputs = bool(prices[4].any())
        lengths = [target.lengths for target in reversed(self.targets)]
        for number, counts in enumerate(zip(*lengths, strict=True)):
            whose = torch.arange(len(self.targets)).repeat_interleave(torch.tensor(counts))
            self.register_buffer(f"whose{number}", whose, persistent=False)

    prices: Tensor

    def forward(self, gates: GateVector, openness: Tensor) -> Tensor:
        """The counts, (2,): parameters, gates included, and multiply-accumulates per image.

        Args:
            gates: which gate belongs to which feature map.
            openness: how probably each gate is open, (gates,), from 0 to 1.
        """
        each = gates(openness)
        made = {INPUT: openness.new_ones(self.input_maps)}
        some = {INPUT: openness.new_ones(())}
        passed = {}
        for target in self.targets:
            maps = torch.cat([target.taken(number, made[source]) for number, source in enumerate(target.sources)])
            is_open = each[target.name] if target.name in each else torch.ones_like(maps)
            sources = torch.stack([some[source] for source in target.sources])
            passed[target.name] = target.passes(maps, is_open, sources)
            made[target.name], some[target.name] = passed[target.name].made, passed[target.name].some
        asked: dict[str, list[Tensor]] = {name: [] for name in made}
        amounts: list[Amounts] = []
        for target in reversed(self.targets):
            here = passed[target.name]
            read = target.reads(
                torch.stack(asked[target.name]).sum(0) if asked[target.name] else torch.zeros_like(here.made)
            )
            any_read = target.any_read(read)
            wanted = target.wants(read, any_read)
            need = target.needs(wanted, any_read)
            amounts.append(target.amounts(here, read, any_read, wanted, need))
            unread = unlikely(here.is_open * need).split(target.brought)
            for number, source in enumerate(target.sources):
                if source != INPUT:
                    asked[source].append(target.spread(number, unread[number], made[source]))
        return self._counts([self._summed(number, pairs) for number, pairs in enumerate(zip(*amounts, strict=True))])

    def _summed(self, number: int, pairs: Sequence[Pair]) -> Tensor:
        """For each target the sum of one of its amounts, (targets, 1)."""
        ones, others = zip(*pairs, strict=True)
        terms = torch.cat(ones) * torch.cat(others)
        return terms.new_zeros(len(self.targets)).index_add(0, getattr(self, f"whose{number}"), terms)[:, None]

    def _counts(self, amounts: Sequence[Tensor]) -> Tensor:
        """The counts, (2,), from the amounts of each target, (targets, 1) each, from the last target to the first."""
        is_there, maps, given, brought, gates = amounts
        fixed, by_read, by_given, by_both, by_brought, mixing, gate = self.prices
        # Both factors of a product are 0 where the layer is not there: that it is there is counted once.
        linked = maps * (by_both * given + mixing * brought) / is_there.clamp(min=_RARE)
        each: Tensor = fixed * is_there + by_read * maps + by_given * given + linked + gate * gates
        if self.merges_charge_inputs:
            each = each + by_brought * brought
        return each.sum(0)
