"""What a network costs once its gates have decided, as a differentiable function of how open they are.

It is the cut (`architecture.liveness`) with probabilities for yes and no: *and* is a product, and *or* of some
events that do not depend on each other is 1 - Π(1 - p). Where every gate is 0 or 1 it gives the counts of the network
that is left when those at 0 are cut.

What a shared gate lets through comes and goes as one, so *or* is taken over connections, not over their feature maps.
The result is the expectation over gates that open independently where the paths into and out of a layer share no gates;
elsewhere it takes paths for independent that are not. So it does for the feature maps that a block or a selection
divides, and for gates per feature map.

Where connections lead backward it walks through all passes. What arrives and is read in several of them is as likely as
in the likeliest, since mostly the same gates decide. Around a cycle the paths into and out of a layer share gates, so
there the result is an estimate.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import INPUT
from connprune.network.expected_passes import ExpectedPasses
from connprune.network.expected_targets import RARE, Amounts, Pair, Passed, Target, unlikely
from connprune.network.gates import GateVector


class ExpectedCost(nn.Module):
    """The expected parameters and multiply-accumulates of what a cut would leave.

    Args:
        architecture: whose gates they are.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.targets = [Target(architecture, name) for name in architecture.connections]
        self.add_module("all", nn.ModuleList(self.targets))
        by_name = {target.name: target for target in self.targets}
        self.steps = [by_name[name] for name in architecture.schedule]
        self.input_maps = architecture.input.feature_maps
        prices = torch.stack([target.prices for target in reversed(self.targets)], 1)
        self.register_buffer("prices", prices, persistent=False)
        self.merges_charge_inputs = bool(prices[4].any())
        lengths = [target.lengths for target in reversed(self.targets)]
        for number, counts in enumerate(zip(*lengths, strict=True)):
            whose = torch.arange(len(self.targets)).repeat_interleave(torch.tensor(counts))
            self.register_buffer(f"whose{number}", whose, persistent=False)
        backward = {source for source, _ in architecture.backward_connections}
        self.zero_at_first = [layer.name for layer in architecture.layers if layer.name in backward]
        self.given = {target.name: target.given for target in self.targets}
        self.passes = ExpectedPasses(architecture) if architecture.backward_connections else None
        # In which steps each term stands, (terms of all targets, most passes).
        for number in range(len(lengths[0]) if self.passes else 0):
            self.register_buffer(f"steps{number}", self._places(number), persistent=False)
        # A block of these can get its feature maps in different passes. One that lacks something may be what another
        # was to be complete with, so there is a round for each.
        self.blocks = [
            target
            for target in self.targets
            if architecture.passes[target.name] > 1 and target.blocks.reads > 1 and not target.mixes
        ]
        brought = torch.tensor([maps for target in reversed(self.targets) for maps in target.brought])
        self.connections = len(brought)
        connection = torch.arange(self.connections).repeat_interleave(brought)
        self.register_buffer("connection", connection, persistent=False)

    prices: Tensor
    connection: Tensor

    def _places(self, number: int) -> Tensor:
        """Of each term of an amount of all targets where it stands among those of all steps, the last step first."""
        found: dict[str, list[Tensor]] = {target.name: [] for target in self.targets}
        first = 0
        for target in reversed(self.steps):
            found[target.name].append(torch.arange(first, first := first + target.lengths[number]))
        most = max(map(len, found.values()))
        padded = [found[target.name] for target in reversed(self.targets)]
        return torch.cat([torch.stack([*places, *places[:1] * (most - len(places))], 1) for places in padded])

    def forward(self, gates: GateVector, openness: Tensor) -> Tensor:
        """The counts, (2,): parameters, gates included, and multiply-accumulates per image.

        Args:
            gates: which gate belongs to which feature map.
            openness: how probably each gate is open, (gates,), from 0 to 1.
        """
        each = gates(openness)
        for target in self.targets:
            if target.name not in each:
                each[target.name] = openness.new_ones(sum(target.brought))
        complete = {target.name: target.least(target.merged(each[target.name])) for target in self.blocks}
        passed = self._forward(each, complete)
        amounts, any_reads = self._backward(passed)
        for _ in self.blocks:
            passed = self._forward(each, self._complete(passed, amounts))
            amounts, any_reads = self._backward(passed)
        terms = [self._terms(number, pairs) for number, pairs in enumerate(zip(*amounts, strict=True))]
        counts = self._counts([self._summed(number, of_all) for number, of_all in enumerate(terms)])
        if self.passes is not None:
            passes = self.passes(self._live(terms[-1]), *self._there(passed, any_reads))
            # Parameters count once.
            counts = counts * torch.stack([torch.ones_like(passes), passes], 1)
        return counts.sum(0)

    def _forward(self, each: Mapping[str, Tensor], complete: Mapping[str, Tensor]) -> list[Passed]:
        """What goes forward in each step."""
        one = next(iter(each.values()))
        made = {INPUT: one.new_ones(self.input_maps)}
        some = {INPUT: one.new_ones(())}
        for name in self.zero_at_first:
            made[name], some[name] = one.new_zeros(self.given[name]), one.new_zeros(())
        passed = []
        for target in self.steps:
            maps = torch.cat([target.taken(number, made[source]) for number, source in enumerate(target.sources)])
            sources = torch.stack([some[source] for source in target.sources])
            here = target.passes(maps, each[target.name], sources, complete.get(target.name))
            made[target.name], some[target.name] = here.made, here.some
            passed.append(here)
        return passed

    def _backward(self, passed: Sequence[Passed]) -> tuple[list[Amounts], list[Tensor]]:
        """The amounts of each step, the last first, and whether anything would read what it gives, () each."""
        asked: dict[str, list[Tensor]] = {target.name: [] for target in self.targets}
        amounts, any_reads = [], []
        for target, here in zip(reversed(self.steps), reversed(passed), strict=True):
            unread = asked[target.name]
            read = target.reads(torch.stack(unread).sum(0) if unread else torch.zeros_like(here.made))
            # What it gave before this is not read after it.
            asked[target.name] = []
            any_read = target.any_read(read)
            wanted = target.wants(read, any_read)
            need = target.needs(wanted, any_read)
            amounts.append(target.amounts(here, read, any_read, wanted, need))
            any_reads.append(any_read)
            for number, part in enumerate(unlikely(here.is_open * need).split(target.brought)):
                source = target.sources[number]
                if source != INPUT:
                    asked[source].append(target.spread(number, part, self.given[source]))
        return amounts, any_reads

    def _complete(self, passed: Sequence[Passed], amounts: Sequence[Amounts]) -> dict[str, Tensor]:
        """Whether each block of a merge, (blocks,), lacks none of its feature maps, be it in different passes."""
        left: dict[str, list[Tensor]] = {target.name: [] for target in self.blocks}
        for target, here, (_, (_, wanted), *_) in zip(self.steps, passed, reversed(amounts), strict=True):
            if target.name in left:
                left[target.name].append(here.merged * wanted)
        return {target.name: target.least(torch.stack(left[target.name]).amax(0)) for target in self.blocks}

    def _there(self, passed: Sequence[Passed], any_reads: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Whether anything arrives at each target, and whether what it gives is read, maybe not in the same pass."""
        # What arrives in one pass arrives in all later ones.
        some = {target.name: here.some for target, here in zip(self.steps, passed, strict=True)}
        arrived = torch.stack([some[target.name] for target in reversed(self.targets)])
        return arrived, self._likeliest(0, torch.stack(any_reads))

    def _live(self, gates: Tensor) -> Tensor:
        """Whether each connection is left, (connections,)."""
        if self.targets[0].shared:
            return gates
        return -torch.expm1(gates.new_zeros(self.connections).index_add(0, self.connection, unlikely(gates)))

    def _terms(self, number: int, pairs: Sequence[Pair]) -> Tensor:
        """One of the amounts of all targets, (terms,): in the pass in which each term is the likeliest."""
        ones, others = zip(*pairs, strict=True)
        return self._likeliest(number, torch.cat(ones) * torch.cat(others))

    def _likeliest(self, number: int, terms: Tensor) -> Tensor:
        if self.passes is None:
            return terms
        places: Tensor = getattr(self, f"steps{number}")
        return terms.index_select(0, places.flatten()).view(places.shape).amax(1)

    def _summed(self, number: int, terms: Tensor) -> Tensor:
        """For each target the sum of one of its amounts, (targets, 1)."""
        return terms.new_zeros(len(self.targets)).index_add(0, getattr(self, f"whose{number}"), terms)[:, None]

    def _counts(self, amounts: Sequence[Tensor]) -> Tensor:
        """The counts of each target, (targets, 2), from its amounts, (targets, 1) each, from the last to the first."""
        is_there, maps, given, brought, gates = amounts
        fixed, by_read, by_given, by_both, by_brought, mixing, gate = self.prices
        # Both factors of a product are 0 where the layer is not there: that it is there is counted once.
        linked = maps * (by_both * given + mixing * brought) / is_there.clamp(min=RARE)
        each: Tensor = fixed * is_there + by_read * maps + by_given * given + linked + gate * gates
        if self.merges_charge_inputs:
            each = each + by_brought * brought
        return each
