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
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import HEAD, INPUT, Shape
from connprune.architecture.shapes import head_counts
from connprune.network.gates import GateVector

# So near to 1 a probability counts as 1: its logarithm's complement stays finite.
_SURE = 1e-7
_NEVER = 1e-30
_RARE = 1e-12

# The factors of what is summed up, (terms,) each, so that it is summed for all targets at once.
_Pair = tuple[Tensor, Tensor]
# Of a target: whether it is there, feature maps merged, given and brought, and gates.
_Amounts = tuple[_Pair, _Pair, _Pair, _Pair, _Pair]


class ExpectedCost(nn.Module):
    """The expected parameters and multiply-accumulates of what a cut would leave.

    Args:
        architecture: whose gates they are.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.targets = [_Target(architecture, name) for name in architecture.connections]
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
        amounts: list[_Amounts] = []
        for target in reversed(self.targets):
            here = passed[target.name]
            read = target.reads(
                torch.stack(asked[target.name]).sum(0) if asked[target.name] else torch.zeros_like(here.made)
            )
            any_read = target.any_read(read)
            wanted = target.wants(read, any_read)
            need = target.needs(wanted, any_read)
            amounts.append(target.amounts(here, read, any_read, wanted, need))
            unread = _unlikely(here.is_open * need).split(target.brought)
            for number, source in enumerate(target.sources):
                if source != INPUT:
                    asked[source].append(target.spread(number, unread[number], made[source]))
        return self._counts([self._summed(number, pairs) for number, pairs in enumerate(zip(*amounts, strict=True))])

    def _summed(self, number: int, pairs: Sequence[_Pair]) -> Tensor:
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


class _Passed(NamedTuple):
    """What goes forward through a target, as probabilities.

    Attributes:
        is_open: whether what each connection brings would be let through and used, (brought,).
        arrived: whether it arrives, (brought,).
        connected: whether anything arrives on each connection, (sources,).
        some: whether anything arrives at all, ().
        made: whether each feature map is made of it, (given,).
    """

    is_open: Tensor
    arrived: Tensor
    connected: Tensor
    some: Tensor
    made: Tensor


class _Target(nn.Module):
    """What one target contributes.

    A layer's counts are linear in the feature maps that it reads and in those that it gives, so the counts at none
    and at all of both say everything; so are a merge's in those that its connections bring and in those that it gives.
    """

    def __init__(self, architecture: Architecture, name: str) -> None:
        super().__init__()
        aggregate, merged = architecture.aggregate[name], architecture.shapes.merged[name]
        self.name = name
        self.sources = list(architecture.connections[name])
        self.brought = [read.maps for read in architecture.reads[name]]
        self.stacks, self.mixes = aggregate.stacks, aggregate.mixes
        self.merged_maps = merged.feature_maps
        for number, incoming in enumerate(architecture.reads[name]):
            chosen = architecture.selection(name, incoming.connection.source)
            take = torch.tensor(incoming.take) if chosen else None
            at = torch.tensor(incoming.at) if chosen and not self.stacks else None
            self.register_buffer(f"take{number}", take, persistent=False)
            self.register_buffer(f"at{number}", at, persistent=False)
        layer = architecture.layer.get(name)
        self.blocks = architecture.blocks(name)
        self.given = architecture.shapes.output[name].feature_maps if layer else 1
        reads, gives = self.blocks.reads, self.blocks.gives if layer else 1

        def count(maps: int, given: int) -> Tensor:
            shape = Shape(maps, *merged.size)
            if layer is None:
                found = head_counts(architecture, shape)
            else:
                smaller = layer.with_feature_maps(given)
                found = smaller.parameters(shape), smaller.macs(shape)
            return torch.tensor(found, dtype=torch.float64)

        both = count(merged.feature_maps, self.given)
        if self.blocks.linked:
            by_read, by_given, by_both = both / merged.feature_maps, 0 * both, 0 * both
        else:
            # Where there is one block, it is there or it is not, and all that it costs is fixed.
            wider, more = merged.feature_maps - reads, self.given - gives
            least, read, gave = count(reads, gives), count(merged.feature_maps, gives), count(reads, self.given)
            by_both = (both - read - gave + least) / max(1, wider * more)
            by_read = (read - least) / max(1, wider) - by_both * gives * bool(wider)
            by_given = (gave - least) / max(1, more) - by_both * reads * bool(more)
        fixed = (
            both - by_both * merged.feature_maps * self.given - by_read * merged.feature_maps - by_given * self.given
        )
        gated = any(connection.target == name for connection in architecture.gated_connections)
        self.shared = architecture.gates is not None and architecture.gates.sharing == "shared"
        # What a connection carries is then all that its source makes, and is asked for as one.
        self.whole = (
            self.shared
            and not architecture.selections
            and all(architecture.blocks(target).reads == 1 for target in architecture.connections)
        )
        behind = torch.arange(len(self.sources)).repeat_interleave(torch.tensor(self.brought))
        self.register_buffer("connection", behind, persistent=False)
        firsts = torch.tensor([0, *self.brought[:-1]]).cumsum(0)
        self.register_buffer("firsts", firsts, persistent=False)
        brought = sum(self.brought)

        def merge_count(brought: int, maps: int) -> Tensor:
            shape = Shape(maps, *merged.size)
            counts = aggregate.parameters(brought, shape), aggregate.macs(brought, shape)
            return torch.tensor(counts, dtype=torch.float64)

        none, reading = merge_count(0, 0), merge_count(brought, 0)
        giving, whole = merge_count(0, merged.feature_maps), merge_count(brought, merged.feature_maps)
        by_brought = (reading - none) / brought
        mixing = (whole - reading - giving + none) / (brought * merged.feature_maps)
        by_read, fixed = by_read + (giving - none) / merged.feature_maps, fixed + none
        gate = torch.tensor([float(gated), 0.0])
        prices = (fixed, by_read, by_given, by_both, by_brought, mixing, gate)
        self.prices = torch.stack([price.float() for price in prices])

    connection: Tensor
    firsts: Tensor

    def taken(self, number: int, made: Tensor) -> Tensor:
        """The feature maps of a source that its connection carries."""
        take = getattr(self, f"take{number}")
        return made if take is None else made.index_select(0, take)

    def spread(self, number: int, unread: Tensor, made: Tensor) -> Tensor:
        """What a connection says of its source's feature maps, from what it says of those that it carries."""
        take = getattr(self, f"take{number}")
        return unread if take is None else torch.zeros_like(made).index_add(0, take, unread)

    def passes(self, maps: Tensor, is_open: Tensor, some: Tensor) -> _Passed:
        """What goes forward, from the sources' feature maps and the gates, (brought,), and their `some`, (sources,)."""
        arrived = maps * is_open
        connected = is_open.index_select(0, self.firsts) * some if self.whole else self._of_each(arrived)
        if self.blocks.reads == 1 or self.mixes:
            found = _any(connected if self.shared else arrived)
            merged = found.expand(self.merged_maps) if self.mixes else self.merged(arrived)
            blocks = merged[:: self.blocks.reads]
        else:
            blocks = self._complete(self.merged(arrived))
            complete = self._brought(blocks.repeat_interleave(self.blocks.reads, output_size=self.merged_maps))
            arrived, is_open = arrived * complete, is_open * complete
            connected = self._of_each(arrived)
            found = blocks.amax() if self.shared else _any(blocks)
        if self.blocks.linked:
            made = blocks.repeat_interleave(self.blocks.gives, output_size=self.given)
        else:
            made = found.expand(self.given)
        return _Passed(is_open, arrived, connected, found, made)

    def _of_each(self, brought: Tensor) -> Tensor:
        """The likeliest of what each connection brings, (sources,): one gate lets all of it through, or none."""
        return brought.new_zeros(len(self.sources)).scatter_reduce(0, self.connection, brought, "amax")

    def _complete(self, merged: Tensor) -> Tensor:
        """Whether each block of the merge lacks none of its feature maps, (blocks,)."""
        return merged.clamp(min=_NEVER).log().view(-1, self.blocks.reads).sum(1).exp()

    def merged(self, arrived: Tensor) -> Tensor:
        """Whether there is anything in each feature map of a merge that does not mix, (merged maps,)."""
        if self.stacks:
            return arrived
        absent = [self._placed(number, part) for number, part in enumerate(_unlikely(arrived).split(self.brought))]
        return -torch.expm1(torch.stack(absent).sum(0))

    def _placed(self, number: int, part: Tensor) -> Tensor:
        at = getattr(self, f"at{number}")
        if at is None:
            return F.pad(part, (0, self.merged_maps - len(part)))
        return part.new_zeros(self.merged_maps).index_add(0, at, part)

    def reads(self, unread: Tensor) -> Tensor:
        """Whether each feature map that the layer gives would be read, (given,): a block while one of it is."""
        if self.name == HEAD:
            return torch.ones_like(unread)
        gives = self.blocks.gives
        if gives > 1:
            blocks = unread.view(-1, gives)
            block = blocks.amin(1) if self.shared else blocks.sum(1)
            unread = block.repeat_interleave(gives, output_size=self.given)
        return -torch.expm1(unread)

    def any_read(self, read: Tensor) -> Tensor:
        """Whether any of them would be, (); behind shared gates they are read together."""
        if self.whole:
            return read[0]
        return read.amax() if self.shared else _any(read[:: self.blocks.gives])

    def wants(self, read: Tensor, any_read: Tensor) -> Tensor:
        """Whether each feature map of the merge would be needed, (merged maps,)."""
        if self.name == HEAD or not self.blocks.linked:
            return any_read.expand(self.merged_maps)
        return read[:: self.blocks.gives].repeat_interleave(self.blocks.reads, output_size=self.merged_maps)

    def needs(self, wanted: Tensor, any_read: Tensor) -> Tensor:
        """Whether what each connection brings would be needed, (brought,)."""
        return any_read.expand(sum(self.brought)) if self.mixes else self._brought(wanted)

    def _brought(self, merged: Tensor) -> Tensor:
        """Of each feature map that a connection brings what is said of the one of the merge that it goes into."""
        if self.stacks:
            return merged
        positions = [getattr(self, f"at{number}") for number in range(len(self.sources))]
        return torch.cat(
            [
                merged[:count] if at is None else merged.index_select(0, at)
                for at, count in zip(positions, self.brought, strict=True)
            ]
        )

    @property
    def lengths(self) -> tuple[int, int, int, int, int]:
        """The terms of each of its amounts."""
        brought = sum(self.brought)
        return 1, self.merged_maps, self.given, brought, len(self.sources) if self.shared else brought

    def amounts(self, here: _Passed, read: Tensor, any_read: Tensor, wanted: Tensor, need: Tensor) -> _Amounts:
        """What the counts are linear in."""
        sure = torch.ones_like(any_read)[None]
        is_there = (sure, sure) if self.name == HEAD else (here.some[None], any_read[None])
        maps = here.some.expand(self.merged_maps) if self.mixes else self.merged(here.arrived)
        brought = here.arrived, need
        if not self.shared:
            gates = brought
        elif self.whole:
            gates = here.connected, need.index_select(0, self.firsts)
        else:
            live = self._of_each(here.arrived * need)
            gates = live, torch.ones_like(live)
        return is_there, (maps, wanted), (here.made, read), brought, gates


def _unlikely(probability: Tensor) -> Tensor:
    """ln(1 - p)."""
    return torch.log1p(-probability.clamp(max=1 - _SURE))


def _any(probabilities: Tensor) -> Tensor:
    """The probability of at least one of them, ()."""
    return -torch.expm1(_unlikely(probabilities).sum())
