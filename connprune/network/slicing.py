"""Carries the trained weights of a network over to a cut of its architecture."""

from collections.abc import Mapping

import torch
from torch import Tensor

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import HEAD
from connprune.architecture.cutting import Cut
from connprune.architecture.liveness import Live
from connprune.network import aggregates, gate_kinds
from connprune.network.head import Head
from connprune.network.layers import module_of
from connprune.tensor_files import below


def sliced_weights(parent: Architecture, weights: Mapping[str, Tensor], cut: Cut) -> dict[str, Tensor]:
    """The weights of a cut, taken from those of its parent.

    Args:
        parent: the architecture that the weights belong to.
        weights: the parent's state, as `Network.state_dict()` gives it.
        cut: a cut of the parent.

    Returns:
        A state for a network of `cut.architecture`.
    """
    kept = cut.kept
    state = {name: weights[name] for name in ("mean", "divisor")}
    inputs = {target: torch.tensor(maps) for target, maps in kept.merged.items()}
    for layer in cut.architecture.layers:
        own, outputs = below(prefix := f"layer_{layer.name}.", weights), torch.tensor(kept.output[layer.name])
        narrowed = module_of(type(layer)).narrowed(parent.layer[layer.name], own, outputs, inputs[layer.name])
        state |= {prefix + name: tensor for name, tensor in narrowed.items()}
    for target in cut.architecture.connections:
        own, brought = below(prefix := f"merge_{target}.aggregate.", weights), _brought(parent, kept, target)
        narrowed = aggregates.module_of(type(parent.aggregate[target])).narrowed(own, inputs[target], brought)
        state |= {prefix + name: tensor for name, tensor in narrowed.items()}
    head = Head.narrowed(below("head.", weights), parent.shapes.merged[HEAD].feature_maps, inputs[HEAD])
    state |= {f"head.{name}": tensor for name, tensor in head.items()}
    if cut.architecture.gated_connections:
        w, temperature = weights["gates.weight"], weights["gates.temperature"]
        if parent.gates is not None and parent.gates.kind_class.are_linked:
            w = gate_kinds.module_of(parent.gates.kind_class)(parent).settled(w, temperature)
        state["gates.weight"] = w[kept_gates(parent, kept)]
        state["gates.temperature"] = temperature
    return state


def kept_gates(parent: Architecture, kept: Live) -> list[int]:
    """The numbers, among the parent's gates, of those that are left."""
    shared = parent.gates is not None and parent.gates.sharing == "shared"
    numbers: list[int] = []
    for connection in parent.gated_connections:
        gates = parent.read[connection].gates
        left_of = kept.connections.get(connection.target, {}).get(connection.source, ())
        numbers += list(gates) * bool(left_of) if shared else [gates[number] for number in left_of]
    return numbers


def _brought(parent: Architecture, kept: Live, target: str) -> Tensor:
    """The numbers, among all feature maps that a target's connections bring, of those that are left."""
    left = kept.connections[target]
    return torch.tensor(
        [read.segment[number] for read in parent.reads[target] for number in left.get(read.connection.source, ())]
    )
