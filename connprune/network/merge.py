"""Merging: several sources become the one tensor that a layer reads."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.network.feature_maps import FeatureMaps

Size = tuple[int, int]


class Sources:
    """What one forward pass has computed so far, each source resized at most once to each size.

    Args:
        interpolation: `nearest`, `bilinear`, `bicubic` or `area`, as `torch.nn.functional.interpolate` names them.
    """

    def __init__(self, interpolation: str) -> None:
        self.corners = False if interpolation in ("bilinear", "bicubic") else None
        self.interpolation = interpolation
        self.maps: dict[str, FeatureMaps] = {}
        self.resized: dict[tuple[str, Size], Tensor] = {}

    def at(self, source: str, size: Size) -> FeatureMaps:
        """The source's feature maps at this height and width."""
        maps = self.maps[source]
        if tuple(maps.values.shape[2:]) == size:
            return maps
        if (source, size) not in self.resized:
            self.resized[source, size] = F.interpolate(
                maps.values, size, mode=self.interpolation, align_corners=self.corners
            )
        return maps._replace(values=self.resized[source, size])

    def forget(self, names: Sequence[str]) -> None:
        """Lets go of sources that nothing reads any more."""
        for name in names:
            del self.maps[name]
        for source, size in [key for key in self.resized if key[0] in names]:
            del self.resized[source, size]


def concatenate(inputs: Sequence[FeatureMaps], gates: Tensor | None, gates_are_positive: bool) -> FeatureMaps:
    """Puts the inputs one behind the other along the feature maps.

    Args:
        inputs: feature maps of one height and width.
        gates: a gate for each feature map of the result, (maps,); None is ones.
        gates_are_positive: whether none of them can be negative.
    """
    values = inputs[0].values if len(inputs) == 1 else torch.cat([maps.values for maps in inputs], dim=1)
    earlier = [maps.gates for maps in inputs]
    if any(gate is not None for gate in earlier):
        filled = [
            gate if gate is not None else maps.values.new_ones(maps.values.shape[1])
            for gate, maps in zip(earlier, inputs, strict=True)
        ]
        before = torch.cat(filled)
        gates = before if gates is None else gates * before
    positive = gates_are_positive and all(maps.gates_are_positive for maps in inputs)
    return FeatureMaps(values, gates, positive)


def last_readers(connections: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """For each target the sources that nothing reads after it, so that their activations can be let go."""
    last = {source: target for target, sources in connections.items() for source in sources}
    return {target: [source for source, reader in last.items() if reader == target] for target in connections}
