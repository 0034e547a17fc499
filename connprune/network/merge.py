"""Merging: the sources of a target are resized, cut down to what their connections carry, and aggregated."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from connprune.architecture.architecture import Architecture
from connprune.network.aggregates import AGGREGATES
from connprune.network.feature_maps import FeatureMaps
from connprune.network.remake import remade
from connprune.network.resize import Resize, Size, make_resize


class Sources:
    """What one forward pass has computed so far, each source resized at most once in each way."""

    def __init__(self) -> None:
        self.maps: dict[str, FeatureMaps] = {}
        self.resized: dict[tuple[str, Size, str], FeatureMaps] = {}

    def at(self, source: str, size: Size, mode: str, resize: Resize) -> FeatureMaps:
        """The source's feature maps at this height and width, resized in this mode."""
        key = source, size, mode
        if key not in self.resized:
            self.resized[key] = resize(self.maps[source])
        return self.resized[key]

    def forget(self, names: Sequence[str]) -> None:
        """Lets go of sources that nothing reads any more."""
        for name in names:
            del self.maps[name]
        for key in [key for key in self.resized if key[0] in names]:
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
        self.sources = architecture.connections[target]
        self.size = architecture.shapes.merged[target].size
        self.merge = architecture.merge_of(target)
        self.mode = "pad" if self.merge.resize == "pad" else self.merge.interpolation
        given = [architecture.shapes.output[source].size for source in self.sources]
        self.resizes = nn.ModuleList(make_resize(before, self.size, self.mode) for before in given)
        self.aggregate = AGGREGATES[self.merge.aggregate](architecture, target)
        for number, source in enumerate(self.sources):
            selection = architecture.selection(target, source)
            whole = selection is None or selection.take == tuple(range(architecture.shapes.output[source].feature_maps))
            take = torch.tensor(selection.take) if selection and not whole else None
            self.register_buffer(f"take{number}", take, persistent=False)

    def inputs(self, sources: Sources) -> list[FeatureMaps]:
        """What the connections bring, at the merge's height and width.

        Args:
            sources: everything before the target.
        """
        return [
            taken(sources.at(source, self.size, self.mode, resize), getattr(self, f"take{number}"))
            for number, (source, resize) in enumerate(zip(self.sources, self.resizes, strict=True))
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
