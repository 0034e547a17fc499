"""The formula as it stands in the design: every connection resized, gated and copied, one by one."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.architecture import Architecture, Connection
from connprune.architecture import image_layers as images
from connprune.architecture import sequence_layers as sequences
from connprune.architecture.layers import Layer
from connprune.architecture.merging import Merge
from connprune.network import Network

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": lambda x: x.clamp(min=0),
    "leaky-relu": lambda x: torch.where(x > 0, x, 0.01 * x),
    "gelu": lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5)),
    "silu": lambda x: x * torch.sigmoid(x),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


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


def shaken(network: Network) -> Network:
    """Gives values of their own to what starts as zeros and ones, so that a mistake there shows."""
    for name, tensor in network.state_dict().items():
        if "bias" in name or "norm" in name:
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.is_floating_point():
                tensor.normal_()
    return network


def carried_maps(architecture: Architecture, connection: Connection) -> int:
    selection = architecture.selection(connection.target, connection.source)
    return len(selection.take) if selection else architecture.shapes.output[connection.source].feature_maps


def naive_scores(
    network: Network,
    pictures: Tensor,
    gates: Mapping[Connection, Tensor] | None = None,
    removed: Collection[Connection] = (),
) -> Tensor:
    """Class scores with the network's weights; without dropout.

    Args:
        network: whose weights and architecture.
        pictures: as the network takes them.
        gates: in place of the network's own, for each connection one for each feature map.
        removed: connections that maximum merges leave out.
    """
    architecture = network.architecture
    values = gate_values(network) if gates is None else gates
    outputs = {"input": (pictures - network.mean) / network.divisor}
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
        outputs[target] = layer_output(layer, network.get_submodule(f"layer_{target}"), merged)
    raise AssertionError("no head")


def layer_output(layer: Layer, module: Any, x: Tensor) -> Tensor:
    """A layer by its formula, without dropout and in evaluation."""
    match layer:
        case images.Convolution() | sequences.SequenceConvolution():
            if layer.padding == "same":
                reach = getattr(layer, "dilation", 1) * (layer.kernel - 1)
                margins = (reach // 2, reach - reach // 2)
                x = F.pad(x, margins * 2 if isinstance(layer, images.Convolution) else margins)
            options = {name: getattr(layer, name, 1) for name in ("stride", "dilation", "groups")}
            return ACTIVATIONS[layer.activation](F.conv2d(x, module.weight, module.bias, **options))
        case images.SeparableConvolution():
            reach = layer.kernel - 1
            x = F.pad(x, (reach // 2, reach - reach // 2) * 2)
            x = torch.cat(
                [F.conv2d(x[:, [i]], module.depthwise[[i]], stride=layer.stride) for i in range(x.shape[1])], 1
            )
            return ACTIVATIONS[layer.activation](F.conv2d(x, module.pointwise, module.bias))
        case images.MaxPooling():
            return F.max_pool2d(x, layer.size)
        case images.AveragePooling():
            return F.avg_pool2d(x, layer.size)
        case images.GlobalPooling():
            return x.mean((2, 3), keepdim=True) if layer.function == "average" else F.adaptive_max_pool2d(x, 1)
        case images.Dropout():
            return x
        case images.BatchNorm():
            norm = module.norm
            mean, variance = norm.running_mean[:, None, None], norm.running_var[:, None, None]
            x = (x - mean) / torch.sqrt(variance + layer.epsilon)
            return ACTIVATIONS[layer.activation](x * norm.weight[:, None, None] + norm.bias[:, None, None])
        case images.ActivationLayer():
            return ACTIVATIONS[layer.function](x)
        case images.Linear():
            dense = F.linear(x.flatten(1), module.weight.flatten(1), module.bias)
            return ACTIVATIONS[layer.activation](dense)[:, :, None, None]
        case sequences.SequenceMaxPooling():
            return F.max_pool1d(x[:, :, 0], layer.size)[:, :, None]
        case sequences.SequenceAveragePooling():
            return F.avg_pool1d(x[:, :, 0], layer.size)[:, :, None]
        case sequences.LSTM():
            return _recurrent(module.recurrent, x, _lstm_step)
        case sequences.GRU():
            return _recurrent(module.recurrent, x, _gru_step)
    raise AssertionError(layer)


def _recurrent(cell: Any, x: Tensor, step: Any) -> Tensor:
    state = (x.new_zeros(len(x), cell.hidden_size), x.new_zeros(len(x), cell.hidden_size))
    hidden = []
    for number in range(x.shape[3]):
        of_input = F.linear(x[:, :, 0, number], cell.weight_ih_l0, cell.bias_ih_l0)
        of_hidden = F.linear(state[0], cell.weight_hh_l0, cell.bias_hh_l0)
        state = step(of_input, of_hidden, state)
        hidden.append(state[0])
    return torch.stack(hidden, 2)[:, :, None]


def _lstm_step(of_input: Tensor, of_hidden: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    i, f, g, o = (of_input + of_hidden).chunk(4, 1)
    memory = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(memory), memory


def _gru_step(of_input: Tensor, of_hidden: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    (r, z, n), (hidden_r, hidden_z, hidden_n) = of_input.chunk(3, 1), of_hidden.chunk(3, 1)
    update = torch.sigmoid(z + hidden_z)
    candidate = torch.tanh(n + torch.sigmoid(r + hidden_r) * hidden_n)
    return (1 - update) * candidate + update * state[0], state[1]


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
