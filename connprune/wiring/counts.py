"""The parameters and multiply-accumulates of what is left of a wired module, without building it."""

import math
from typing import cast

import torch
from torch import Tensor, fx, nn

from connprune.architecture.rules import Counts
from connprune.wiring.flow import Flow, sliced
from connprune.wiring.liveness import Left, Wired, left_without
from connprune.wiring.parts import WiredGates


def counts(wired: Wired, left: Left) -> Counts:
    """What is left costs: learned parameters without gates, and multiply-accumulates per image.

    Convolutions and dense layers are counted; products that a module makes by itself are not, as attention does.
    """
    parameters: dict[int, int] = {}
    macs = 0
    for node in left.nodes:
        if node.op == "get_attr":
            value = _attribute(wired.graph_module, str(node.target))
            parameters |= {id(value): value.numel()} if isinstance(value, nn.Parameter) else {}
        if node.op != "call_module" or isinstance(module := wired.modules[str(node.target)], WiredGates):
            continue
        share = _share_left(wired, wired.flows[node], left)
        tensors, _ = sliced(module)
        for name, tensor in module.named_parameters():
            parameters[id(tensor)] = round(tensor.numel() * share) if name in tensors else tensor.numel()
        macs += round(_macs(module, node, wired) * share)
    return Counts(sum(parameters.values()), macs)


def whole(wired: Wired) -> Counts:
    """What the module costs without a cut."""
    return counts(wired, cast("Left", left_without(wired, ())))


def _share_left(wired: Wired, through: Flow, left: Left) -> float:
    """The share of the feature maps that a node reads that is left."""
    if through.source is None or through.source not in left.maps:
        return 1.0
    return len(left.maps[through.source]) / wired.gates.shapes[through.source.name][1]


def relative_costs(graph_module: fx.GraphModule) -> Tensor:
    """By how much the MACs fall when a connection alone goes, over the mean of all connections: (gates,)."""
    wired = Wired.of(graph_module)
    most, brought = whole(wired).macs, []
    for number in range(len(wired.gates.connections)):
        left = left_without(wired, (number,))
        brought.append(most - (counts(wired, left).macs if left else 0))
    costs = torch.tensor(brought, dtype=torch.float64)
    return (costs / costs.mean().clamp(min=1)).float()


def _macs(module: nn.Module, node: fx.Node, wired: Wired) -> int:
    shapes, source = wired.gates.shapes, wired.flows[node].source
    made = shapes.get(node.name, ())
    if isinstance(module, nn.Linear):
        return math.prod(made[1:]) * module.in_features
    if isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d) and source:
        return math.prod(shapes[source.name][2:]) * module.weight.numel()
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return math.prod(made[2:]) * module.weight.numel()
    return 0


def _attribute(module: nn.Module, path: str) -> object:
    parent, _, name = path.rpartition(".")
    return getattr(module.get_submodule(parent), name)
