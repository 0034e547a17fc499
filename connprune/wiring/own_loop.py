"""What a training loop of one's own needs of a module with gates, be it a `Network` or what `wire` gave."""

from collections.abc import Sequence
from typing import cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, fx, nn

from connprune.architecture.architecture import Connection
from connprune.architecture.cutting import cut as cut_architecture
from connprune.architecture.gates import Gates
from connprune.architecture.rules import Rule
from connprune.arguments import require
from connprune.errors import ArgumentError, UsageError
from connprune.mistakes import Mistake
from connprune.network.gates import GateWeights
from connprune.network.network import Network, build
from connprune.network.penalties import PENALTIES, relative_costs
from connprune.network.slicing import sliced_weights
from connprune.wiring import shrink as wired_cut
from connprune.wiring.gated import GatedMerge
from connprune.wiring.liveness import Wired
from connprune.wiring.parts import WiredGates

_COSTS: "WeakKeyDictionary[GateWeights, Tensor]" = WeakKeyDictionary()


def gates(module: nn.Module) -> dict[str, float | list[float]]:
    """The gates as a cut sees them, by their connections, `source->target`; a list where each feature map has one.

    Args:
        module: a `Network`, what `wire` gave, or a module that holds one of them, as a wrapper for training does; or
            one written with `connprune.nn`, whose sources are called by their numbers, `0->block.add`, until `wire`
            finds out what they are.

    Raises:
        UsageError: it has no gates.
    """
    gated = _gated(module)
    if not isinstance(gated, Network):
        return {
            str(connection): gate
            for name, each in gated.named_modules()
            if isinstance(each, WiredGates | GatedMerge)
            for connection, gate in zip(_connections(name, each), each.values().detach().tolist(), strict=True)
        }
    (weights,) = _weights(gated)
    architecture, values = gated.architecture, weights.values().detach()
    is_shared = architecture.gates is not None and architecture.gates.sharing == "shared"
    parts = zip(architecture.gated_connections, values.split(architecture.gate_counts), strict=True)
    return {str(connection): part.item() if is_shared else part.tolist() for connection, part in parts}


def penalty(module: nn.Module) -> Tensor:
    """What the gates add to the loss, (): λ times the sum that `gates.penalise` names, as in `connprune train`.

    λ is `gates.penalty`, at once and unchanged: warm-ups and targets belong to the product's own loop.

    Args:
        module: as for `gates`.

    Raises:
        UsageError: it has no gates, or their penalty takes the product's own loop.
    """
    gated = _gated(module)
    first, *others = (_penalty(gated, weights) for weights in _weights(gated))
    return sum(others, first)


def shrink(module: nn.Module, rule: Rule) -> nn.Module:
    """A smaller copy without what a rule chooses by the magnitude of the gates; the module is left as it is.

    Args:
        module: a `Network`, or what `wire` gave.
        rule: `Threshold(t)`, `Keep(n)`, `Sparsity(s)`, `KeepPerLayer(k)` or `Budget(parameters=n, macs=Share(0.5))`.
            `MaxDrop(0.5, accuracy)` and `Budget(latency=Latency(0.003, seconds))` take a function that measures: of a
            `Network` a `Cut`, of a wired module what would be left of it, in evaluation mode.

    Returns:
        Of a `Network` the cut `Network`, with its weights and the gates that are left, which `connprune.fold_gates`
        takes into the weights. Of a wired module a plain one,
        whose weights have taken the gates; in evaluation it gives what the wired one gives with the gates of all that
        was removed at zero.

    Raises:
        UsageError: it has no gates, the rule is none, or it asks for more than there is.
        DisconnectedError: no path from what it takes to its output would be left.
    """
    gated = _gated(module)
    if not isinstance(gated, Network):
        return wired_cut.shrink(_wired(gated), rule)
    outcome = cut_architecture(gated.architecture, gates(gated), rule)
    device = gated.mean.device
    weights = {name: tensor.cpu() for name, tensor in gated.state_dict().items()}
    smaller = build(outcome.architecture)
    smaller.load_state_dict(sliced_weights(gated.architecture, weights, outcome))
    return smaller.to(device).train(gated.training)


def preview(module: nn.Module, rule: Rule) -> wired_cut.Report:
    """What `shrink` would take away from a wired module, and what would be left, without doing it.

    Raises:
        UsageError: as `shrink` does; or it is a `Network`, of which `connprune.cut` tells that.
        DisconnectedError: as `shrink` does.
    """
    gated = _gated(module)
    if isinstance(gated, Network):
        raise ArgumentError(Mistake(key="module", found="a Network", expected="what connprune.wire gave"))
    _, report = wired_cut.cut(Wired.of(_wired(gated)), rule)
    return report


def _gated(module: nn.Module) -> nn.Module:
    """The module with gates in a module, which may be that itself: a `Network`, what is wired, or with gated merges."""
    require("module", module, nn.Module, "a torch.nn.Module")
    found: list[nn.Module] = [
        part
        for part in module.modules()
        if (isinstance(part, Network) and part.gates is not None)
        or (isinstance(part, fx.GraphModule) and any(isinstance(each, WiredGates) for each in part.modules()))
    ]
    found += [module] if any(isinstance(part, GatedMerge) for part in module.modules()) else []
    if len(found) != 1:
        held = f"{len(found)} modules with gates" if found else "no gates"
        expected = "one Network with gates, or what connprune.wire gave"
        raise ArgumentError(Mistake(key="module", found=held, expected=expected))
    return found[0]


def _wired(gated: nn.Module) -> fx.GraphModule:
    """The same, of which a cut knows what its gates connect."""
    if not isinstance(gated, fx.GraphModule) or not any(isinstance(part, WiredGates) for part in gated.modules()):
        found, expected = "gates of its own, not wired", "what connprune.wire makes of it"
        raise ArgumentError(Mistake(key="module", found=found, expected=expected))
    return gated


def _weights(gated: nn.Module) -> list[GateWeights]:
    return [part for part in gated.modules() if isinstance(part, GateWeights)]


def _connections(name: str, weights: WiredGates | GatedMerge) -> Sequence[Connection]:
    if isinstance(weights, WiredGates):
        return weights.connections
    numbers = weights.merge.numbers
    name = name or type(weights).__name__
    return [Connection(str(source), name) for source, number in enumerate(numbers) if number is not None]


def _penalty(gated: nn.Module, weights: GateWeights) -> Tensor:
    settings = _settings(gated, weights)
    able = [name for name in PENALTIES if name != "cost" or not isinstance(weights, GatedMerge)]
    if settings.penalised not in able:
        raise UsageError(Mistake(key="gates.penalise", found=settings.penalised, expected=f"one of {', '.join(able)}"))
    return settings.penalty * PENALTIES[settings.penalised](weights, _costs(gated, weights, settings)).sum()


def _settings(gated: nn.Module, weights: GateWeights) -> Gates:
    if isinstance(gated, Network):
        return gated.architecture.gates or Gates()
    return cast("WiredGates | GatedMerge", weights).settings


def _costs(gated: nn.Module, weights: GateWeights, settings: Gates) -> Tensor:
    """What the penalty weighs gates by; a trial cut of each connection, so they are found once."""
    if isinstance(weights, WiredGates):
        return weights.costs
    if settings.penalised != "cost" or not isinstance(gated, Network):
        return torch.ones((), device=weights.weight.device)
    if weights not in _COSTS:
        _COSTS[weights] = relative_costs(gated.architecture)
    return _COSTS[weights].to(weights.weight.device)
