"""The formula as it stands in the design: every connection resized, gated and copied, one by one."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.architecture import Architecture, Connection
from connprune.architecture.layers import Convolution, Dropout, MaxPooling
from connprune.architecture.merging import Merge
from connprune.network import Network


def gate_values(network: Network) -> dict[Connection, Tensor]:
    """Each gated connection's gates, one for each feature map that it carries."""
    architecture = network.architecture
    if network.gates is None or architecture.gates is None:
        return {}
    weight = network.gates.weight
    match architecture.gates.kind:
        case "sigmoid":
            values = torch.sigmoid(weight / network.gates.temperature)
        case "linear":
            values = weight
        case "hard-concrete":
            values = (torch.sigmoid(weight) * 1.2 - 0.1).clamp(0, 1)
    shared = architecture.gates.sharing == "shared"
    maps = [carried_maps(architecture, connection) for connection in architecture.gated_connections]
    split = values.split([1] * len(maps) if shared else maps)
    return {
        connection: gate.expand(count)
        for connection, gate, count in zip(architecture.gated_connections, split, maps, strict=True)
    }


def carried_maps(architecture: Architecture, connection: Connection) -> int:
    selection = architecture.selection(connection.target, connection.source)
    return len(selection.take) if selection else architecture.shapes.output[connection.source].feature_maps


def naive_scores(
    network: Network,
    images: Tensor,
    gates: Mapping[Connection, Tensor] | None = None,
    removed: Collection[Connection] = (),
) -> Tensor:
    """Class scores with the network's weights; without dropout.

    Args:
        network: whose weights and architecture.
        images: as the network takes them.
        gates: in place of the network's own, for each connection one for each feature map.
        removed: connections that maximum merges leave out.
    """
    architecture = network.architecture
    values = gate_values(network) if gates is None else gates
    outputs = {"input": (images - network.mean) / network.divisor}
    for target, sources in architecture.connections.items():
        merge = architecture.merge_of(target)
        sizes = [outputs[source].shape[2:] for source in sources]
        choose = min if merge.resize == "smallest" else max
        size = merge.size or (choose(height for height, _ in sizes), choose(width for _, width in sizes))
        inputs = []
        for source in sources:
            maps = resized(outputs[source], size, merge)
            selection = architecture.selection(target, source)
            maps = maps[:, list(selection.take)] if selection else maps
            gate = values.get(Connection(source, target))
            maps = maps if gate is None else maps * gate.reshape(1, -1, 1, 1)
            if not merge.stacks:
                full = maps.new_zeros(maps.shape[0], architecture.shapes.merged[target].feature_maps, *size)
                at = list(selection.at) if selection and selection.at else list(range(maps.shape[1]))
                full[:, at] = maps
                maps = full
            if merge.aggregate != "max" or Connection(source, target) not in removed:
                inputs.append(maps)
        inputs = inputs or [torch.zeros_like(maps)]
        merged = aggregated(network, target, inputs, merge)
        if target == "head":
            return _head(network, merged)
        layer = architecture.layer[target]
        module = network.get_submodule(f"layer_{target}")
        match layer:
            case Convolution():
                before, after = (layer.kernel - 1) // 2, layer.kernel // 2
                padded = F.pad(merged, (before, after) * 2) if layer.padding == "same" else merged
                convolved = F.conv2d(padded, module.weight, module.bias)  # type: ignore[arg-type]
                outputs[target] = torch.relu(convolved) if layer.activation == "relu" else convolved
            case MaxPooling():
                outputs[target] = F.max_pool2d(merged, layer.size)
            case Dropout():
                outputs[target] = merged
    raise AssertionError("no head")


def resized(maps: Tensor, size: tuple[int, int], merge: Merge) -> Tensor:
    if tuple(maps.shape[2:]) == tuple(size):
        return maps
    if merge.resize == "pad":
        full = maps.new_zeros(*maps.shape[:2], *size)
        top, left = (size[0] - maps.shape[2]) // 2, (size[1] - maps.shape[3]) // 2
        full[:, :, top : top + maps.shape[2], left : left + maps.shape[3]] = maps
        return full
    if merge.interpolation == "max-pool":
        return F.adaptive_max_pool2d(maps, size)
    corners = False if merge.interpolation in ("bilinear", "bicubic") else None
    return F.interpolate(maps, size, mode=merge.interpolation, align_corners=corners)


def aggregated(network: Network, target: str, inputs: list[Tensor], merge: Merge) -> Tensor:
    match merge.aggregate:
        case "concat":
            return torch.cat(inputs, 1)
        case "sum":
            return torch.stack(inputs).sum(0)
        case "max":
            return torch.stack(inputs).max(0).values
        case "squeeze":
            weight = network.get_parameter(f"merge_{target}.aggregate.weight")
            return F.conv2d(torch.cat(inputs, 1), weight)


def _head(network: Network, merged: Tensor) -> Tensor:
    scores = merged.flatten(1) if network.architecture.head.reduce == "flatten" else merged.mean((2, 3))
    for number, layer in enumerate(network.head.dense):
        if number and network.architecture.head.activation == "relu":
            scores = torch.relu(scores)
        scores = layer(scores)
    return scores
