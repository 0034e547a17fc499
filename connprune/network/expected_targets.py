"""What one target contributes to the expected cost, as probabilities of what arrives there and is read."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import HEAD, Shape
from connprune.architecture.shapes import head_counts

# So near to 1 a probability counts as 1: its logarithm's complement stays finite.
_SURE = 1e-7
_NEVER = 1e-30
# A probability that something is divided by counts as no smaller.
RARE = 1e-12

# The factors of what is summed up, (terms,) each, so that it is summed for all targets at once.
Pair = tuple[Tensor, Tensor]
# Of a target: whether it is there, feature maps merged, given and brought, and gates.
Amounts = tuple[Pair, Pair, Pair, Pair, Pair]


class Passed(NamedTuple):
    """What goes forward through a target, as probabilities.

    Attributes:
        is_open: whether what each connection brings would be let through and used, (brought,).
        arrived: whether it arrives, (brought,).
        connected: whether anything arrives on each connection, (sources,).
        some: whether anything arrives at all, ().
        made: whether each feature map is made of it, (given,).
        merged: whether there is anything in each feature map of the merge, (merged maps,), were blocks no matter.
    """

    is_open: Tensor
    arrived: Tensor
    connected: Tensor
    some: Tensor
    made: Tensor
    merged: Tensor


class Target(nn.Module):
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

    def spread(self, number: int, unread: Tensor, given: int) -> Tensor:
        """What a connection says of its source's feature maps, from what it says of those that it carries."""
        take = getattr(self, f"take{number}")
        return unread if take is None else unread.new_zeros(given).index_add(0, take, unread)

    def passes(self, maps: Tensor, is_open: Tensor, some: Tensor, complete: Tensor | None = None) -> Passed:
        """What goes forward.

        Args:
            maps: the sources' feature maps, (brought,).
            is_open: the gates, (brought,).
            some: that of each source, (sources,).
            complete: whether each block of the merge lacks none of its feature maps, (blocks,), if that does not follow
                from what arrives, since the rest of it may arrive in another pass.
        """
        arrived = maps * is_open
        connected = is_open.index_select(0, self.firsts) * some if self.whole else self._of_each(arrived)
        if self.blocks.reads == 1 or self.mixes:
            found = any_of(connected if self.shared else arrived)
            merged = found.expand(self.merged_maps) if self.mixes else self.merged(arrived)
            blocks = merged[:: self.blocks.reads]
        else:
            merged = self.merged(arrived)
            if complete is None:
                blocks = complete = self._complete(merged)
            else:
                blocks = complete * merged.view(-1, self.blocks.reads).amax(1)
            whole = self._brought(complete.repeat_interleave(self.blocks.reads, output_size=self.merged_maps))
            arrived, is_open = arrived * whole, is_open * whole
            connected = self._of_each(arrived)
            found = blocks.amax() if self.shared else any_of(blocks)
        if self.blocks.linked:
            made = blocks.repeat_interleave(self.blocks.gives, output_size=self.given)
        else:
            made = found.expand(self.given)
        return Passed(is_open, arrived, connected, found, made, merged)

    def _of_each(self, brought: Tensor) -> Tensor:
        """The likeliest of what each connection brings, (sources,): one gate lets all of it through, or none."""
        return brought.new_zeros(len(self.sources)).scatter_reduce(0, self.connection, brought, "amax")

    def least(self, merged: Tensor) -> Tensor:
        """The least likely feature map of each block of the merge, (blocks,)."""
        return merged.view(-1, self.blocks.reads).amin(1)

    def _complete(self, merged: Tensor) -> Tensor:
        """Whether each block of the merge lacks none of its feature maps, (blocks,)."""
        return merged.clamp(min=_NEVER).log().view(-1, self.blocks.reads).sum(1).exp()

    def merged(self, arrived: Tensor) -> Tensor:
        """Whether there is anything in each feature map of a merge that does not mix, (merged maps,)."""
        if self.stacks:
            return arrived
        absent = [self._placed(number, part) for number, part in enumerate(unlikely(arrived).split(self.brought))]
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
        return read.amax() if self.shared else any_of(read[:: self.blocks.gives])

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

    def amounts(self, here: Passed, read: Tensor, any_read: Tensor, wanted: Tensor, need: Tensor) -> Amounts:
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


def unlikely(probability: Tensor) -> Tensor:
    """ln(1 - p)."""
    return torch.log1p(-probability.clamp(max=1 - _SURE))


def any_of(probabilities: Tensor) -> Tensor:
    """The probability of at least one of them, ()."""
    return -torch.expm1(unlikely(probabilities).sum())
