"""The formula as it stands in the design: every connection resized, gated and copied, one by one."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.architecture import Connection
from connprune.architecture.layers import Convolution, Dropout, MaxPooling
from connprune.network import Network


def gate_values(network: Network) -> dict[Connection, Tensor]:
    """Each gated connection's gates, (1,) or (maps,)."""
    architecture = network.architecture
    if network.gates is None or architecture.gates is None:
        return {}
    weight = network.gates.weight
    values = torch.sigmoid(weight) if architecture.gates.kind == "sigmoid" else weight
    shared = architecture.gates.sharing == "shared"
    maps = [1 if shared else architecture.shapes.output[source].feature_maps for source, _ in gated(network)]
    return dict(zip(gated(network), values.split(maps), strict=True))


def gated(network: Network) -> tuple[Connection, ...]:
    return network.architecture.gated_connections


def naive_scores(network: Network, images: Tensor, gates: Mapping[Connection, Tensor] | None = None) -> Tensor:
    """Class scores with the network's weights; without dropout."""
    architecture = network.architecture
    values = gate_values(network) if gates is None else gates
    outputs = {"input": (images - network.mean) / network.divisor}
    for target, sources in architecture.connections.items():
        override = architecture.merges.get(target)
        height = min(outputs[source].shape[2] for source in sources)
        width = min(outputs[source].shape[3] for source in sources)
        size = override.size if override else (height, width)
        inputs = []
        for source in sources:
            maps = outputs[source]
            if tuple(maps.shape[2:]) != tuple(size):
                mode = architecture.merge.interpolation
                corners = False if mode in ("bilinear", "bicubic") else None
                maps = F.interpolate(maps, size, mode=mode, align_corners=corners)
            gate = values.get(Connection(source, target))
            inputs.append(maps if gate is None else maps * gate.reshape(1, -1, 1, 1))
        merged = torch.cat(inputs, 1)
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


def _head(network: Network, merged: Tensor) -> Tensor:
    scores = merged.flatten(1) if network.architecture.head.reduce == "flatten" else merged.mean((2, 3))
    for number, layer in enumerate(network.head.dense):
        if number and network.architecture.head.activation == "relu":
            scores = torch.relu(scores)
        scores = layer(scores)
    return scores
