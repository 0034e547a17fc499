"""Takes the gates out of a network for good: the weights that read what they act on take them."""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor

from connprune.architecture.architecture import Architecture
from connprune.architecture.gates import Gates
from connprune.architecture.shapes import brought_maps
from connprune.network.network import Network, build


def fold_gates(network: Network) -> Network:
    """The same network with its gates in its weights, and as few gates left as can be.

    In evaluation it computes what the given one does, up to rounding. A gate stays where no weights read what it acts
    on before something happens that it does not commute with: where several inputs are added up or their maximum is
    taken, each with a gate of its own, and before a group or layer normalisation and some activations. What stays is
    neither penalised nor drawn, as `Gates.decided` has it.

    Args:
        network: with or without gates; it is not changed.

    Returns:
        A new one, on the CPU, in evaluation mode.
    """
    before, whole = network.architecture, deepcopy(network).cpu().eval()
    gates = whole.gates
    if gates is None or before.gates is None:
        return whole
    values = gates.values().detach()
    folded = _folded(whole)
    is_folded = _are_of(before, folded)
    for target, factor in _acting(whole, torch.where(is_folded, values, 1)).items():
        take = _taker(whole, target)
        if take is not None:
            take(factor)
    settings = _left(before, before.gates, folded)
    smaller = build(before.replace(gates=settings)).to(values.dtype)
    state = {name: tensor for name, tensor in whole.state_dict().items() if name in smaller.state_dict()}
    if settings is not None:
        w, end = (values if before.gates.kind_class.are_linked else gates.weight.detach()), settings.temperature.end
        # What is divided by another temperature must be larger by as much to be the same gate.
        scale = end / gates.temperature if settings.kind_class.has_temperature else 1
        state["gates.weight"], state["gates.temperature"] = w[~is_folded] * scale, torch.tensor(end)
    smaller.load_state_dict(state)
    return smaller.eval()


def _acting(network: Network, values: Tensor) -> dict[str, Tensor]:
    """For each target on which gates act, the factor of each feature map that its connections bring."""
    return {} if network.passed is None else network.passed(values, values.dtype)


def _folded(network: Network) -> frozenset[str]:
    """The targets whose gates the weights can take, all of them: also those that a layer passes on to what reads it."""
    architecture = network.architecture
    stuck: set[str] = set()
    for target in architecture.connections:
        own = torch.where(_are_of(architecture, frozenset({target})), 2.0, 1.0)
        reached = [name for name, factor in _acting(network, own).items() if (factor != 1).any()]
        if any(_taker(network, name) is None for name in reached):
            stuck.add(target)
    return frozenset(architecture.connections) - stuck


def _taker(network: Network, target: str) -> Callable[[Tensor], None] | None:
    """What takes the factors of the feature maps that a target's connections bring; None if nothing can."""
    aggregate, reader = network.merging(target).aggregate, network.reader(target)
    if aggregate.takes_gates():
        return aggregate.take_gates
    probe = torch.ones(brought_maps(network.architecture, target))
    if not reader.takes_gates(network.gates_are_positive) or aggregate.merged_gates(probe) is None:
        return None

    def take(factor: Tensor) -> None:
        merged = aggregate.merged_gates(factor)
        if merged is not None:
            reader.take_gates(merged)

    return take


def _are_of(architecture: Architecture, targets: frozenset[str]) -> Tensor:
    """Which gates belong to these targets, (gates,)."""
    mine = [connection.target in targets for connection in architecture.gated_connections]
    return torch.tensor(mine).repeat_interleave(torch.tensor(architecture.gate_counts))


def _left(architecture: Architecture, gates: Gates, folded: frozenset[str]) -> Gates | None:
    """The settings of the gates that stay; None if none does."""
    ungated = tuple(name for name in architecture.connections if name in folded or name in (gates.ungated or ()))
    if len(ungated) == len(architecture.connections):
        return None
    return gates.of_a_cut().decided().model_copy(update={"ungated": ungated})
