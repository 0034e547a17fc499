"""Merging: the sources of a target are resized, cut down to what their connections carry, and aggregated."""

import operator
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from connprune.architecture import summaries
from connprune.architecture.architecture import Architecture, Connection
from connprune.network.aggregates import AggregateModule, module_of
from connprune.network.feature_maps import FeatureMaps
from connprune.network.printed import Printed
from connprune.network.recompute import recomputed
from connprune.network.resize import Size, make_resize
from connprune.network.runs import Names, runs


class Resizes(nn.Module):
    """All resizes of a network. Neighbouring sources of one size are resized as one, to all sizes that are read.

    Args:
        architecture: the architecture.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        shapes = architecture.shapes
        after: dict[tuple[Names, str], list[Size]] = {}
        for target in architecture.connections:
            for names in runs(architecture, target):
                wanted, sizes = shapes.merged[target].size, after.setdefault((names, mode_of(architecture, target)), [])
                if wanted not in (shapes.output[names[0]].size, *sizes):
                    sizes.append(wanted)
        self.after = {key: sizes for key, sizes in after.items() if sizes}
        self.each = nn.ModuleList(
            make_resize(shapes.output[names[0]].size, sizes, mode) for (names, mode), sizes in self.after.items()
        )
        self.numbers = {key: number for number, key in enumerate(self.after)}

    def forward(self, names: Names, mode: str, values: Tensor) -> dict[Size, Tensor]:
        """The feature maps of these sources at each size that they are read at in this mode, but for their own."""
        key = names, mode
        return dict(zip(self.after[key], self.each[self.numbers[key]](values), strict=True))


class Sources:
    """What one forward pass has computed so far.

    Each is resized at most once in each way. A concatenation goes on from the last one of its size where it begins with
    the same feature maps: in the backward pass their gradients are then added up as one.

    Args:
        resizes: those of the network.
    """

    def __init__(self, resizes: Resizes) -> None:
        self.maps: dict[str, Tensor] = {}
        self._resizes = resizes
        self._resized: dict[tuple[Names, str], dict[Size, Tensor]] = {}
        self._joined: dict[torch.Size, tuple[Sequence[Tensor], Tensor]] = {}

    def at(self, names: Names, size: Size, mode: str) -> Tensor:
        """The feature maps of neighbouring sources, one behind the other, resized to this size in this mode."""
        if self.maps[names[0]].shape[2:] == size:
            return self.joined([self.maps[name] for name in names])
        key = names, mode
        if key not in self._resized:
            self._resized[key] = self._resizes(names, mode, self.joined([self.maps[name] for name in names]))
        return self._resized[key][size]

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        """Feature maps of one size, one behind the other."""
        if len(parts) == 1:
            return parts[0]
        size = parts[0].shape[2:]
        before, whole = self._joined.get(size, ((), parts[0]))
        if len(before) > len(parts) or not all(map(operator.is_, before, parts)):
            before = ()
        if len(before) < len(parts):
            whole = torch.cat([whole, *parts[len(before) :]] if before else list(parts), dim=1)
        self._joined[size] = parts, whole
        return whole

    def give(self, name: str, maps: Tensor) -> None:
        """What a layer gives in this pass, in place of what it gave in the one before."""
        if name in self.maps:
            self.forget([name])
        self.maps[name] = maps

    def forget(self, names: Sequence[str]) -> None:
        """Lets go of sources that nothing reads any more."""
        for name in names:
            del self.maps[name]
        for key in [key for key in self._resized if not set(names).isdisjoint(key[0])]:
            del self._resized[key]
        resized = [maps for sizes in self._resized.values() for maps in sizes.values()]
        there = {id(maps) for maps in (*self.maps.values(), *resized)}
        for size, (parts, _) in list(self._joined.items()):
            if not there.issuperset(map(id, parts)):
                del self._joined[size]


class Merging(Printed):
    """The merge of one target.

    Args:
        architecture: the architecture.
        target: the layer that reads the merge, or the head.
    """

    def __init__(self, architecture: Architecture, target: str) -> None:
        super().__init__()
        self.summary = summaries.of_merge(architecture, target)
        self.size = architecture.shapes.merged[target].size
        plain = architecture.aggregate[target]
        self.stacks, self.only_stacks = plain.stacks, plain.only_stacks
        self.mode = mode_of(architecture, target)
        self.aggregate: AggregateModule = module_of(type(plain))(architecture, target)
        self.runs = runs(architecture, target)
        for number, (first, *_) in enumerate(self.runs):
            read = architecture.read[Connection(first, target)]
            self.register_buffer(f"take{number}", None if read.takes_all else torch.tensor(read.take), persistent=False)

    def inputs(self, sources: Sources) -> list[Tensor]:
        """What the connections bring, at the merge's height and width; some neighbours are one already.

        Args:
            sources: everything before the target.
        """
        return [
            taken(sources.at(names, self.size, self.mode), getattr(self, f"take{number}"))
            for number, names in enumerate(self.runs)
        ]

    def forward(self, inputs: Sequence[Tensor], gates: Tensor | None, positive: bool) -> FeatureMaps:
        """What the target reads.

        Args:
            inputs: what `inputs` gave.
            gates: what each feature map that the connections bring is multiplied with, in their order; None is ones.
            positive: whether none of them can be negative.
        """
        merged: FeatureMaps = self.aggregate(inputs, gates, positive)
        return merged

    def reading(self, merged: FeatureMaps, inputs: Sequence[Tensor]) -> AbstractContextManager[Any]:
        """In here the target reads its merge; a concatenation is not kept for the backward pass but recomputed."""
        if len(inputs) > 1 and self.only_stacks:
            return recomputed(merged.values, inputs)
        return nullcontext()


def mode_of(architecture: Architecture, target: str) -> str:
    """How the sources of a target are brought to its merge's height and width, as `make_resize` names it."""
    merge = architecture.merge_of(target)
    return "pad" if merge.resize == "pad" else merge.interpolation


def taken(maps: Tensor, numbers: Tensor | None) -> Tensor:
    """Some of the feature maps, by their numbers; None is all."""
    return maps if numbers is None else maps.index_select(1, numbers)
