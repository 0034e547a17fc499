"""Carries the trained weights of a network over to a cut of its architecture."""

from collections.abc import Mapping

import torch
from torch import Tensor

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.shapes import gates_of_each


def carried(parent: Architecture, weights: Mapping[str, Tensor], smaller: Architecture) -> dict[str, Tensor]:
    """The weights of `smaller`, taken from those of `parent`.

    Args:
        parent: the architecture that the weights belong to.
        weights: the parent's state, as `Network.state_dict()` gives it.
        smaller: a cut of the parent.

    Returns:
        A state for a network of `smaller`.
    """
    kept = kept_maps(parent, smaller)
    state = {name: weights[name] for name in ("mean", "divisor")}
    for layer in smaller.layers:
        prefix = f"layer_{layer.name}."
        for name, tensor in weights.items():
            if name.startswith(prefix):
                reads_maps = name == f"{prefix}weight"
                state[name] = tensor.index_select(1, kept.merged[layer.name]) if reads_maps else tensor
    state |= {name: tensor for name, tensor in weights.items() if name.startswith("head.")}
    first = weights["head.dense.0.weight"]
    by_map = first.view(first.shape[0], parent.shapes.merged[HEAD].feature_maps, -1)
    state["head.dense.0.weight"] = by_map.index_select(1, kept.merged[HEAD]).flatten(1)
    if smaller.gated_connections:
        state["gates.weight"] = weights["gates.weight"][kept.gates]
    return state


class KeptMaps:
    """Which of the parent's feature maps and gates are left, by their numbers in the parent.

    Attributes:
        output: for each source, numbers among the parent's output feature maps, (maps,).
        merged: for each target, numbers among the parent's merged feature maps, (maps,).
        gates: numbers among the parent's gates, (gates,).
    """

    def __init__(self) -> None:
        self.output: dict[str, Tensor] = {}
        self.merged: dict[str, Tensor] = {}
        self.gates = torch.empty(0, dtype=torch.long)


def kept_maps(parent: Architecture, smaller: Architecture) -> KeptMaps:
    """Follows the feature maps of a cut back to those of its parent."""
    kept = KeptMaps()
    shared = parent.gates is not None and parent.gates.sharing == "shared"
    kept.output[INPUT] = torch.arange(parent.input.feature_maps)
    gate_counts = dict(zip(parent.gated_connections, gates_of_each(parent), strict=True))
    gates = []
    first_gate = 0
    for target, sources in parent.connections.items():
        maps = []
        first_map = 0
        for source in sources:
            width = parent.shapes.output[source].feature_maps
            count = gate_counts.get(Connection(source, target), 0)
            if source in smaller.connections.get(target, ()):
                maps.append(kept.output[source] + first_map)
                if count:
                    gates.append((torch.zeros(1, dtype=torch.long) if shared else kept.output[source]) + first_gate)
            first_map += width
            first_gate += count
        if maps:
            kept.merged[target] = torch.cat(maps)
            if target != HEAD:
                layer = parent.layer[target]
                every = torch.arange(parent.shapes.output[target].feature_maps)
                kept.output[target] = kept.merged[target] if layer.keeps_feature_maps else every
    kept.gates = torch.cat(gates) if gates else kept.gates
    return kept
