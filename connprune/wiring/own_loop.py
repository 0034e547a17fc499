"""What a training loop of one's own needs of a module with gates, be it a `Network` or what `wire` gave."""

from typing import cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, fx, nn

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
from connprune.wiring.liveness import Wired
from connprune.wiring.parts import WiredGates

_COSTS: "WeakKeyDictionary[GateWeights, Tensor]" = WeakKeyDictionary()


def gates(module: nn.Module) -> dict[str, float | list[float]]:
    """The gates as a cut sees them, by their connections, `source->target`; a list where each feature map has one.

    Args:
        module: a `Network`, what `wire` gave, or a module that holds one of them, as a wrapper for training does.

    Raises:
        UsageError: it has no gates.
    """
    gated = _gated(module)
    if not isinstance(gated, Network):
        named = cast("WiredGates", _weights(gated))
        return dict(zip(map(str, named.connections), named.values().detach().tolist(), strict=True))
    architecture, values = gated.architecture, _weights(gated).values().detach()
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
    weights, settings = _weights(gated), _settings(gated)
    if settings.penalised not in PENALTIES:
        raise UsageError(
            Mistake(key="gates.penalise", found=settings.penalised, expected=f"one of {', '.join(PENALTIES)}")
        )
    return settings.penalty * PENALTIES[settings.penalised](weights, _costs(gated, weights, settings)).sum()


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
        return wired_cut.shrink(gated, rule)
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
    _, report = wired_cut.cut(Wired.of(gated), rule)
    return report


def _gated(module: nn.Module) -> "Network | fx.GraphModule":
    """The module with gates in a module, which may be that itself."""
    require("module", module, nn.Module, "a torch.nn.Module")
    found = [
        part
        for part in module.modules()
        if (isinstance(part, Network) and part.gates is not None)
        or (isinstance(part, fx.GraphModule) and any(isinstance(each, WiredGates) for each in part.modules()))
    ]
    if len(found) != 1:
        held = f"{len(found)} modules with gates" if found else "no gates"
        expected = "one Network with gates, or what connprune.wire gave"
        raise ArgumentError(Mistake(key="module", found=held, expected=expected))
    return found[0]


def _weights(gated: "Network | fx.GraphModule") -> GateWeights:
    return next(part for part in gated.modules() if isinstance(part, GateWeights))


def _settings(gated: "Network | fx.GraphModule") -> Gates:
    if isinstance(gated, Network):
        return gated.architecture.gates or Gates()
    return cast("WiredGates", _weights(gated)).settings


def _costs(gated: "Network | fx.GraphModule", weights: GateWeights, settings: Gates) -> Tensor:
    """What the penalty weighs gates by; a trial cut of each connection, so they are found once."""
    if isinstance(weights, WiredGates):
        return weights.costs
    if settings.penalised != "cost" or not isinstance(gated, Network):
        return torch.ones((), device=weights.weight.device)
    if weights not in _COSTS:
        _COSTS[weights] = relative_costs(gated.architecture)
    return _COSTS[weights].to(weights.weight.device)
