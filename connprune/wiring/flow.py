"""How feature maps go through the operations of a module: which keep them apart, which mix them."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import fx, nn
from torch.nn import functional as F

from connprune.wiring.hooks import has_hooks
from connprune.wiring.parts import GatedReading, Merge, Scale
from connprune.wiring.tracing import Shape

# The tensors of a module that have an entry for each feature map that it reads, and along which dimension; and the
# attributes that say how many those are.
Sliced = tuple[dict[str, int], tuple[str, ...]]
_NORM: Sliced = ({"weight": 0, "bias": 0, "running_mean": 0, "running_var": 0}, ("num_features",))
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMS = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
)
_APART = (
    *(nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid),
    *(nn.Tanh, nn.Softplus, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Dropout, nn.Dropout1d, nn.Dropout2d),
    *(nn.Dropout3d, nn.AlphaDropout, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d),
    *(nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool1d),
    *(nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d, nn.LPPool2d, nn.Upsample, nn.UpsamplingNearest2d),
    *(nn.UpsamplingBilinear2d, nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, GatedReading, Scale),
)
_APART_FUNCTIONS = {
    *(torch.relu, torch.sigmoid, torch.tanh, F.relu, F.relu6, F.leaky_relu, F.elu, F.gelu, F.silu, F.mish, F.sigmoid),
    *(F.tanh, F.softplus, F.hardswish, F.hardsigmoid, F.hardtanh, F.dropout, F.dropout2d, F.max_pool1d, F.max_pool2d),
    *(F.avg_pool1d, F.avg_pool2d, F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d, F.interpolate),
}
# Of these what makes something else than zero of zero.
_MOVING = (*_NORMS, nn.Sigmoid, nn.Softplus, nn.Hardsigmoid, nn.Hardtanh)
_MOVING_FUNCTIONS = {torch.sigmoid, F.sigmoid, "sigmoid", F.softplus, F.hardsigmoid, F.hardtanh}
_APART_METHODS = {"relu", "relu_", "sigmoid", "tanh", "contiguous", "clone", "float", "half", "to"}
_FLATTENING = {torch.flatten, torch.reshape, "flatten", "view", "reshape"}
_MEAN = {torch.mean, torch.sum, torch.amax, "mean", "sum", "amax"}


Kind = Literal["apart", "reads", "repeated", "merge", "other"]


class Flow(NamedTuple):
    """What an operation does to the feature maps that it takes.

    Attributes:
        kind: `apart`, each feature map becomes one; `reads`, new ones are made from all; `repeated`, each becomes
            several numbers in a row; `merge`, the inputs are added or stand side by side; `other`, nothing is known.
        source: where they come from; None of a merge and of what takes no single one.
        times: how many numbers each becomes.
    """

    kind: Kind
    source: fx.Node | None = None
    times: int = 1


OTHER = Flow("other")


def flow(node: fx.Node, modules: Mapping[str, nn.Module], shapes: Mapping[str, Shape]) -> Flow:
    """How feature maps go through one node of a graph.

    Args:
        node: the node.
        modules: all modules of the graph, by their paths.
        shapes: of the tensors that nodes make, by their names.
    """
    module = modules[str(node.target)] if node.op == "call_module" else None
    if isinstance(module, Merge):
        return Flow("merge")
    # GatedReading takes the gates too.
    sources = [each for each in node.all_input_nodes if len(shapes.get(each.name, ())) > 1]
    if len(sources) != 1 or node.name not in shapes or node.op in ("output", "placeholder"):
        return OTHER
    before, after = shapes[sources[0].name], shapes[node.name]
    kind = _kind_of_function(node, before, after) if module is None else _kind_of_module(module, before)
    return Flow(kind, sources[0], math.prod(before[2:]) if kind == "repeated" else 1)


def sliced(module: nn.Module) -> Sliced:
    """The tensors of a module that shrink with the feature maps that it reads, and the attributes that count these."""
    if isinstance(module, _NORMS):
        return _NORM
    if isinstance(module, _CONVOLUTIONS):
        if _is_depthwise(module):
            return {"weight": 0, "bias": 0}, ("in_channels", "out_channels", "groups")
        return {"weight": 1}, ("in_channels",)
    if isinstance(module, _TRANSPOSED):
        return {"weight": 0}, ("in_channels",)
    if isinstance(module, nn.Linear):
        return {"weight": 1}, ("in_features",)
    if isinstance(module, nn.PReLU) and module.num_parameters > 1:
        return {"weight": 0}, ("num_parameters",)
    return {}, ()


def keeps_zero(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether what keeps feature maps apart makes zeros, in evaluation, of one that is zero."""
    if node.op != "call_module":
        return node.target not in _MOVING_FUNCTIONS
    module = modules[str(node.target)]
    return type(module) not in _MOVING and getattr(module, "bias", None) is None


def scaled(module: nn.Module) -> tuple[str, ...]:
    """The tensors by which a factor of what a module gives can be taken into it; empty if none can."""
    if has_hooks(module):
        return ()
    is_linear = type(module) in (*_CONVOLUTIONS, *_TRANSPOSED, nn.Linear)
    is_affine = type(module) in _NORMS and getattr(module, "weight", None) is not None
    return ("weight", "bias") if is_linear or is_affine else ()


def _kind_of_module(module: nn.Module, before: Shape) -> Kind:
    if has_hooks(module):
        return "other"
    kind = type(module)  # What derives from one of these may do anything.
    if kind is nn.Flatten:
        is_whole = module.start_dim == 1 and module.end_dim in (-1, len(before) - 1)
        return "repeated" if is_whole else "other"
    if kind in _APART or kind in _NORMS or kind is nn.PReLU:
        return "apart"
    if kind in _CONVOLUTIONS:
        return "apart" if _is_depthwise(module) else "reads" if module.groups == 1 else "other"
    if kind in _TRANSPOSED:
        return "reads" if module.groups == 1 else "other"
    return "reads" if kind is nn.Linear and len(before) == 2 else "other"


def _is_depthwise(module: nn.Module) -> bool:
    return bool(module.groups == module.in_channels == module.out_channels != 1)


def _kind_of_function(node: fx.Node, before: Shape, after: Shape) -> Kind:
    if node.target in _FLATTENING and after == (before[0], math.prod(before[1:])):
        return "repeated"
    is_known = node.target in (_APART_METHODS if node.op == "call_method" else _APART_FUNCTIONS)
    is_apart = (is_known or _is_stochastic_depth(node)) and before[:2] == after[:2]
    return "apart" if is_apart or _is_over_the_plane(node, len(before)) else "other"


def _is_over_the_plane(node: fx.Node, dimensions: int) -> bool:
    """Whether it is a mean, sum or maximum over neither the batch nor the feature maps."""
    along = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
    if node.target not in _MEAN or along is None:
        return False
    listed = along if isinstance(along, tuple | list) else [along]
    return all(isinstance(each, int) and each % dimensions > 1 for each in listed)


def asks_for_shape(node: fx.Node) -> bool:
    """Whether a node reads the shape of a tensor or the like, and not what is in it."""
    if node.op == "call_method":
        return node.target in ("size", "dim", "numel")
    return node.target is getattr and node.args[1] in ("shape", "ndim", "dtype", "device")


def _is_stochastic_depth(node: fx.Node) -> bool:
    """Whether it is torchvision's function of this name, which is not imported for it."""
    return getattr(node.target, "__name__", "") == "stochastic_depth"


def is_identity_in_evaluation(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether a node gives what it takes but for what it drops in training: it commutes with a factor."""
    if node.op == "call_module":
        module = modules[str(node.target)]
        dropping = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
        return type(module) in dropping and not has_hooks(module)
    return node.op == "call_function" and (node.target in (F.dropout, F.dropout2d) or _is_stochastic_depth(node))
