"""The formula as it stands in the design: every connection resized, gated and copied, one by one."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import Architecture, Connection, convolutions
from connprune.architecture import image_layers as images
from connprune.architecture import sequence_layers as sequences
from connprune.architecture.allowed import open_gates
from connprune.architecture.layers import Layer
from connprune.architecture.merging import Merge
from connprune.architecture.norms import Norm
from connprune.architecture.weighted import Weighted
from connprune.architecture.windows import sides
from connprune.network import Network

Module = TypeVar("Module", bound=nn.Module)

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": lambda x: x.clamp(min=0),
    "leaky-relu": lambda x: torch.where(x > 0, x, 0.01 * x),
    "relu6": lambda x: x.clamp(0, 6),
    "hard-swish": lambda x: x * (x + 3).clamp(0, 6) / 6,
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
        case "sigmoid" | "bernoulli" | "reinforce":
            values = torch.sigmoid(weight / network.gates.temperature)
        case "linear":
            values = weight
        case "top-k":
            # Of equal ones those of the nearest sources.
            distances = []
            for (source, target), gates in zip(
                architecture.gated_connections, list(architecture.gate_counts), strict=True
            ):
                gated = [one.source for one in architecture.gated_connections if one.target == target]
                distances += [len(gated) - gated.index(source)] * gates
            order = sorted(enumerate(weight.tolist()), key=lambda gate: (-gate[1], distances[gate[0]], gate[0]))
            last = order[: open_gates(architecture)]
            values = torch.sigmoid(weight / network.gates.temperature)
            values = torch.stack([value * (at in dict(last)) for at, value in enumerate(values)])
        case "softmax":
            each = (weight / network.gates.temperature).exp()
            targets = [connection.target for connection in architecture.gated_connections]
            same = torch.tensor([[float(one == other) for other in targets] for one in targets])
            values = each / (same.to(each.dtype) @ each)
        case "hard-concrete":
            values = (torch.sigmoid(weight) * 1.2 - 0.1).clamp(0, 1)
    shared = architecture.gates.sharing == "shared"
    maps = [carried_maps(architecture, connection) for connection in architecture.gated_connections]
    split = values.split([1] * len(maps) if shared else maps)
    return {
        connection: gate.expand(count)
        for connection, gate, count in zip(architecture.gated_connections, split, maps, strict=True)
    }


def shaken(network: Module) -> Module:
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
    merged_maps: Mapping[str, Collection[int]] | None = None,
) -> Tensor:
    """Class scores with the network's weights; without dropout.

    Args:
        network: whose weights and architecture.
        pictures: as the network takes them.
        gates: in place of the network's own, for each connection one for each feature map.
        removed: connections that maximum merges leave out.
        merged_maps: for each target the feature maps of its merge that its weights read; None is all. What is
            normalised before the weights is not zero where the merge is.
    """
    architecture = network.architecture
    values = gate_values(network) if gates is None else gates
    images = (pictures - network.mean) / network.divisor
    # What each source gave in the pass before; what it gives in this one lies over it.
    earlier = {name: images.new_zeros(len(images), *shape) for name, shape in architecture.shapes.output.items()}
    for _ in range(architecture.unroll):
        outputs = {"input": images}
        for target in architecture.layer:
            merged, mask = naive_merge(network, target, {**earlier, **outputs}, outputs, values, removed, merged_maps)
            layer = architecture.layer[target]
            outputs[target] = layer_output(layer, network.get_submodule(f"layer_{target}"), merged, mask)
        earlier = outputs
    return _head(network, *naive_merge(network, "head", outputs, outputs, values, removed, merged_maps))


def naive_merge(
    network: Network,
    target: str,
    given: Mapping[str, Tensor],
    of_this_pass: Collection[str],
    values: Mapping[Connection, Tensor],
    removed: Collection[Connection],
    merged_maps: Mapping[str, Collection[int]] | None,
) -> tuple[Tensor, Tensor]:
    """What a target reads, and which feature maps of it its weights may read, 1 or 0 each; see `naive_scores`."""
    architecture = network.architecture
    merge = architecture.merge_of(target)
    sources = architecture.connections[target]
    sizes = [given[source].shape[2:] for source in sources if source in of_this_pass]
    choose = min if merge.resize == "smallest" else max
    size = merge.size or (choose(height for height, _ in sizes), choose(width for _, width in sizes))
    inputs = []
    for source in sources:
        maps = resized(given[source], size, merge)
        selection = architecture.selection(target, source)
        maps = maps[:, list(selection.take)] if selection else maps
        gate = values.get(Connection(source, target))
        maps = maps if gate is None else maps * gate.reshape(1, -1, 1, 1)
        if merge.aggregate not in ("concat", "squeeze"):
            full = maps.new_zeros(maps.shape[0], architecture.shapes.merged[target].feature_maps, *size)
            at = list(selection.at) if selection and selection.at else list(range(maps.shape[1]))
            full[:, at] = maps
            maps = full
        if merge.aggregate != "max" or Connection(source, target) not in removed:
            inputs.append(maps)
    inputs = inputs or [torch.zeros_like(maps)]
    merged = aggregated(network, target, inputs, merge)
    mask = torch.ones(merged.shape[1], dtype=merged.dtype)
    if merged_maps is not None:
        mask = torch.zeros_like(mask)
        mask[list(merged_maps.get(target, ()))] = 1
    return merged, mask


def normalised(x: Tensor, norm: Norm, module: Any) -> Tensor:
    """A normalisation by its formula, in evaluation."""
    if norm.kind == "batch":
        mean, variance = module.running_mean[:, None, None], module.running_var[:, None, None]
        x = (x - mean) / torch.sqrt(variance + norm.epsilon)
    else:
        groups = x.split(norm.together(x.shape[1]), 1)
        x = torch.cat(
            [
                (maps - maps.mean((1, 2, 3), keepdim=True))
                / torch.sqrt(maps.var((1, 2, 3), keepdim=True, correction=0) + norm.epsilon)
                for maps in groups
            ],
            1,
        )
    scaled: Tensor = x * module.weight[:, None, None] + module.bias[:, None, None]
    return scaled


def layer_output(layer: Layer, module: Any, x: Tensor, mask: Tensor) -> Tensor:
    """A layer by its formula, without dropout and in evaluation; `mask` says which feature maps weights may read."""
    if not isinstance(layer, Weighted):
        return plain_output(layer, module, x)
    steps: dict[str, Callable[[Tensor], Tensor]] = {
        "norm": lambda x: x if layer.norm is None else normalised(x, layer.norm, module.norm),
        "act": ACTIVATIONS[layer.activation],
        "conv": lambda x: weighed(layer, module, x * mask[:, None, None]),
    }
    for step in layer.order.split("-"):
        x = steps[step](x)
    return x


def padded(x: Tensor, kernel: int | tuple[int, int], dilation: int, filling: float = 0.0) -> Tensor:
    """With what `same` adds: as much as the window reaches, half of it before, rounded down."""
    rows, columns = (dilation * (side - 1) for side in sides(kernel))
    return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2), value=filling)


def one_by_one(x: Tensor, weight: Tensor, **options: Any) -> Tensor:
    """Each feature map convolved with its own window."""
    return torch.cat([F.conv2d(x[:, [i]], weight[[i]], **options) for i in range(x.shape[1])], 1)


def windows(x: Tensor, size: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    """(batch, maps, rows, columns, positions of a window)."""
    rows: Tensor = x.unfold(2, size[0], stride[0])
    both: Tensor = rows.unfold(3, size[1], stride[1])
    return both.flatten(4)


def weighed(layer: Weighted, module: Any, x: Tensor) -> Tensor:
    match layer:
        case convolutions.Convolution():
            x = padded(x, layer.kernel, layer.dilation) if layer.padding == "same" else x
            options = {name: getattr(layer, name) for name in ("stride", "dilation", "groups")}
            return F.conv2d(x, module.weight, module.bias, **options)
        case sequences.SequenceConvolution():
            x = padded(x, (1, layer.kernel), 1) if layer.padding == "same" else x
            return F.conv2d(x, module.weight, module.bias)
        case convolutions.SeparableConvolution():
            x = padded(x, layer.kernel, layer.dilation)
            x = one_by_one(x, module.depthwise, stride=layer.stride, dilation=layer.dilation)
            return F.conv2d(x, module.pointwise, module.bias)
        case convolutions.DepthwiseConvolution():
            x = padded(x, layer.kernel, layer.dilation) if layer.padding == "same" else x
            x = one_by_one(x, module.weight, stride=layer.stride, dilation=layer.dilation)
            return x if module.bias is None else x + module.bias[:, None, None]
        case convolutions.Linear():
            return F.linear(x.flatten(1), module.weight.flatten(1), module.bias)[:, :, None, None]
    raise AssertionError(layer)


def plain_output(layer: Layer, module: Any, x: Tensor) -> Tensor:
    match layer:
        case images.MaxPooling() | images.AveragePooling():
            size, stride = sides(layer.size), sides(layer.stride or layer.size)
            there = torch.ones_like(x)
            if layer.padding == "same":
                x, there = padded(x, size, 1), padded(there, size, 1)
            inside = windows(there, size, stride)
            seen = windows(x, size, stride)
            if isinstance(layer, images.AveragePooling):
                return (seen * inside).sum(4) / inside.sum(4)
            return seen.masked_fill(inside == 0, -torch.inf).amax(4)
        case images.GlobalPooling():
            return x.mean((2, 3), keepdim=True) if layer.function == "average" else F.adaptive_max_pool2d(x, 1)
        case images.Dropout():
            return x
        case images.BatchNorm() | images.GroupNorm() | images.LayerNorm():
            return ACTIVATIONS[layer.activation](normalised(x, layer.norm, module.norm))
        case images.ActivationLayer():
            return ACTIVATIONS[layer.function](x)
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
        case "mean":
            denominator = merge.denominator or len(network.architecture.connections[target])
            return torch.stack(inputs).sum(0) / denominator
    raise AssertionError(merge)


def _head(network: Network, merged: Tensor, mask: Tensor) -> Tensor:
    norm, activation = network.architecture.head.norm, network.architecture.head.activation
    if norm is not None:
        merged = ACTIVATIONS[activation](normalised(merged, norm, network.head.norm))
    merged = merged * mask[:, None, None]
    scores = merged.flatten(1) if network.architecture.head.reduce == "flatten" else merged.mean((2, 3))
    for number, layer in enumerate(network.head.dense):
        if number and network.architecture.head.activation == "relu":
            scores = torch.relu(scores)
        scores = layer(scores)
    return scores
