"""Which operations of a graph change a tensor in place, and which tensors they change with it."""

import operator
from collections.abc import Mapping

from torch import fx, nn

from connprune.wiring.hooks import has_hooks
from connprune.wiring.modules import modules_of

_IN_PLACE = {operator.iadd, operator.isub, operator.imul, operator.itruediv}
# By name, of functions and methods: they may give what they take, or a part of it.
_SHARING = frozenset(
    [
        *("view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "ravel", "permute", "transpose", "t"),
        *("movedim", "swapaxes", "swapdims", "squeeze", "unsqueeze", "expand", "expand_as", "broadcast_to", "narrow"),
        *(
            "select",
            "diagonal",
            "unfold",
            "as_strided",
            "chunk",
            "split",
            "tensor_split",
            "unbind",
            "getitem",
            "getattr",
        ),
        *("contiguous", "to", "type", "float", "half", "double", "bfloat16", "detach", "real", "imag", "dropout"),
        *("dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"),
    ]
)
_SHARING_MODULES = (
    *(nn.Identity, nn.Flatten, nn.Unflatten),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout),
)
_TORCH = ("torch", "_operator", "math")

# For each node the nodes that first made the storages that its tensor may lie in.
Storages = dict[fx.Node, frozenset[fx.Node]]


def is_in_place(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether an operation changes what it takes.

    Args:
        node: the operation.
        modules: all modules of the graph, by their paths.
    """
    if node.op == "call_module":
        return bool(getattr(modules[str(node.target)], "inplace", False))
    if node.op not in ("call_function", "call_method"):
        return False
    is_told = any(each is True for each in (node.kwargs.get("inplace"), *node.args[1:]))
    return is_told or _name(node).endswith("_") or node.target in _IN_PLACE


def storages(graph_module: fx.GraphModule) -> Storages:
    """Where the tensors of a graph may lie."""
    modules = modules_of(graph_module)
    result: dict[fx.Node, frozenset[fx.Node]] = {}
    for node in graph_module.graph.nodes:
        taken = frozenset[fx.Node]().union(*(result[each] for each in node.all_input_nodes))
        may_share = is_in_place(node, modules) or _shares(node, modules)
        result[node] = taken if may_share and taken else frozenset({node})
    return result


def changing(graph_module: fx.GraphModule, held: Storages) -> dict[fx.Node, frozenset[fx.Node]]:
    """The operations that change a tensor in place, each with the storages that this may be in."""
    modules = modules_of(graph_module)
    return {node: held[node] for node in graph_module.graph.nodes if is_in_place(node, modules)}


def _shares(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether it may give what it takes, or a part of it; of what is not torch's own nothing is known."""
    if node.op == "call_module":
        module = modules[str(node.target)]
        is_known = type(module).__module__.startswith(("torch.nn", "connprune"))
        return isinstance(module, _SHARING_MODULES) or not is_known or has_hooks(module)
    if node.op not in ("call_function", "call_method"):
        return False
    origin = getattr(node.target, "__module__", None) or "torch"
    return _name(node) in _SHARING or (node.op == "call_function" and origin.partition(".")[0] not in _TORCH)


def _name(node: fx.Node) -> str:
    return getattr(node.target, "__name__", str(node.target))
