"""Merging: the sources of a target are resized, cut down to what their connections carry, and aggregated."""

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

    Neighbouring sources of one size are resized as one, which is fewer operations; each at most once in each way.
    """

    def __init__(self) -> None:
        self.maps: dict[str, FeatureMaps] = {}
        self.resized: dict[tuple[Names, Size, str], FeatureMaps] = {}

    def at(self, names: Names, size: Size, mode: str, resize: Resize) -> FeatureMaps:
        """The feature maps of neighbouring sources, one behind the other, resized to this size in this mode."""
        key = names, size, mode
        if key not in self.resized:
            self.resized[key] = resize(concatenated([self.maps[name] for name in names]))
        return self.resized[key]

    def forget(self, names: Sequence[str]) -> None:
        """Lets go of sources that nothing reads any more."""
        for name in names:
            del self.maps[name]
        for key in [key for key in self.resized if not set(names).isdisjoint(key[0])]:
            del self.resized[key]


class Merging(nn.Module):
    """The merge of one target.

    Args:
        architecture: the architecture.
        target: the layer that reads the merge, or the head.

    Attributes:
        remakes: whether a concatenation is made again in the backward pass instead of being kept.
    """

    remakes = False

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
        """In here the target reads its merge; a concatenation is not kept for the backward pass if it can be remade."""
        if self.remakes and len(inputs) > 1 and self.merge.aggregate == "concat":
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
