"""Merging: the sources of a target are resized, cut down to what their connections carry, and aggregated."""

import operator
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from connprune.architecture.architecture import Architecture
from connprune.network.aggregates import AGGREGATES
from connprune.network.feature_maps import FeatureMaps, concatenated
from connprune.network.remake import remade
from connprune.network.resize import Resize, Size, make_resize
from connprune.network.runs import Names, runs, taken_numbers


class Sources:
    """What one forward pass has computed so far.

    Each is resized at most once in each way, and neighbours of one size as one. A concatenation goes on from the last
    one of its size where it begins with the same feature maps: in the backward pass their gradients are then added up
    as one. Both are fewer operations.
    """

    def __init__(self) -> None:
        self.maps: dict[str, FeatureMaps] = {}
        self._resized: dict[tuple[Names, Size, str], FeatureMaps] = {}
        self._joined: dict[torch.Size, tuple[Sequence[FeatureMaps], FeatureMaps]] = {}

    def at(self, names: Names, size: Size, mode: str, resize: Resize) -> FeatureMaps:
        """The feature maps of neighbouring sources, one behind the other, resized to this size in this mode."""
        key = names, size, mode
        if key not in self._resized:
            self._resized[key] = resize(self.joined([self.maps[name] for name in names]))
        return self._resized[key]

    def joined(self, parts: Sequence[FeatureMaps]) -> FeatureMaps:
        """Feature maps of one size, one behind the other."""
        if len(parts) == 1:
            return parts[0]
        size = parts[0].values.shape[2:]
        before, whole = self._joined.get(size, ((), None))
        goes_on = len(before) <= len(parts) and all(map(operator.is_, before, parts))
        joined = concatenated([whole, *parts[len(before) :]] if whole and goes_on else parts)
        self._joined[size] = parts, joined
        return joined

    def forget(self, names: Sequence[str]) -> None:
        """Lets go of sources that nothing reads any more."""
        for name in names:
            del self.maps[name]
        for key in [key for key in self._resized if not set(names).isdisjoint(key[0])]:
            del self._resized[key]
        there = {id(maps) for maps in (*self.maps.values(), *self._resized.values())}
        for size, (parts, _) in list(self._joined.items()):
            if not there.issuperset(map(id, parts)):
                del self._joined[size]


class Merging(nn.Module):
    """The merge of one target.

    Args:
        architecture: the architecture.
        target: the layer that reads the merge, or the head.
    """

    def __init__(self, architecture: Architecture, target: str) -> None:
        super().__init__()
        self.size = architecture.shapes.merged[target].size
        self.merge = architecture.merge_of(target)
        self.mode = "pad" if self.merge.resize == "pad" else self.merge.interpolation
        self.aggregate = AGGREGATES[self.merge.aggregate](architecture, target)
        self.runs = runs(architecture, target)
        before = [architecture.shapes.output[first].size for first, *_ in self.runs]
        self.resizes = nn.ModuleList(make_resize(size, self.size, self.mode) for size in before)
        for number, (first, *_) in enumerate(self.runs):
            take = taken_numbers(architecture, target, first)
            self.register_buffer(f"take{number}", None if take is None else torch.tensor(take), persistent=False)

    def inputs(self, sources: Sources) -> list[FeatureMaps]:
        """What the connections bring, at the merge's height and width; some neighbours are one already.

        Args:
            sources: everything before the target.
        """
        return [
            taken(sources.at(names, self.size, self.mode, resize), getattr(self, f"take{number}"))
            for number, (names, resize) in enumerate(zip(self.runs, self.resizes, strict=True))
        ]

    def forward(self, inputs: Sequence[FeatureMaps], gates: Tensor | None, positive: bool) -> FeatureMaps:
        """What the target reads.

        Args:
            inputs: what `inputs` gave.
            gates: one for each feature map that the connections bring, in their order; None is ones.
            positive: whether none of them can be negative.
        """
        merged: FeatureMaps = self.aggregate(inputs, gates, positive)
        return merged

    def reading(self, merged: FeatureMaps, inputs: Sequence[FeatureMaps]) -> AbstractContextManager[Any]:
        """In here the target reads its merge; a concatenation is not kept for the backward pass but made again."""
        if len(inputs) > 1 and self.merge.aggregate == "concat":
            return remade(merged.values, [maps.values for maps in inputs])
        return nullcontext()


def taken(maps: FeatureMaps, numbers: Tensor | None) -> FeatureMaps:
    """Some of the feature maps, by their numbers; None is all."""
    if numbers is None:
        return maps
    gates = None if maps.gates is None else maps.gates.index_select(0, numbers)
    return FeatureMaps(maps.values.index_select(1, numbers), gates, maps.gates_are_positive)


def last_readers(connections: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """For each target the sources that nothing reads after it, so that their activations can be let go."""
    last = {source: target for target, sources in connections.items() for source in sources}
    return {target: [source for source, reader in last.items() if reader == target] for target in connections}
