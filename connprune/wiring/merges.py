"""The additions and concatenations of a graph that make skip connections."""

import operator
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import fx

from connprune.errors import UsageError
from connprune.mistakes import Mistake
from connprune.wiring.flow import asks_for_shape
from connprune.wiring.gated import GatedMerge
from connprune.wiring.modules import owner
from connprune.wiring.parts import Addition, Concatenation, GatedConcatenation, Merge
from connprune.wiring.storage import changing, storages
from connprune.wiring.tracing import Shape

_ADDING = {operator.add, operator.iadd, torch.add, "add", "add_"}
_IN_PLACE = {operator.iadd, "add_"}
_CONCATENATING = {torch.cat, torch.concat, torch.concatenate}


# For each node all that it is computed from.
Before = Mapping[fx.Node, frozenset[fx.Node]]


@dataclass(frozen=True)
class Found:
    """An addition or a concatenation of feature maps.

    Attributes:
        node: what gives its result.
        inputs: what it takes, in order; several additions in a row are one.
        gated: of each input, whether it can go.
        part: the class of the module that takes its place.
    """

    node: fx.Node
    inputs: tuple[fx.Node, ...]
    gated: tuple[bool, ...]
    part: type[Merge]


def merges(graph_module: fx.GraphModule, shapes: Mapping[str, Shape]) -> list[Found]:
    """All of them, in order; of a module that has gates of its own those that have them, and its additions.

    Of an addition the input that all others are computed from is no connection that could go: it is what a residual
    network adds its branches to.

    Args:
        graph_module: a module.
        shapes: of the tensors that its nodes make, by their names.

    Raises:
        UsageError: gates of its own stand where no cut could follow them.
    """
    graph = graph_module.graph
    own = [node for node in graph.nodes if gated_merge(graph_module, node)]
    before = _ancestors(graph)
    continued = {node for node in graph.nodes if _continues(node, shapes, before)}
    continued = _unchanged(graph_module, continued)
    found: list[Found] = []
    for node in graph.nodes:
        if node in own:
            found.append(_own(graph_module, node, own, shapes))
        elif _is_addition(node, shapes, before) and node not in continued:
            inputs = _terms(node, continued)
            trunk = [all(each in before[other] for other in inputs if other is not each) for each in inputs]
            gated = tuple(not own and not is_trunk for is_trunk in trunk)
            found.append(Found(node, inputs, gated, Addition))
        elif not own and (inputs := _stacked(node, shapes)):
            computed = [_is_computed(each, before) for each in inputs]
            alone = sum(computed) < 2
            found.append(Found(node, inputs, tuple(each and not alone for each in computed), Concatenation))
    return found


def gated_merge(graph_module: fx.GraphModule, node: fx.Node) -> GatedMerge | None:
    """The merge with gates of its own that a node calls."""
    module = graph_module.get_submodule(str(node.target)) if node.op == "call_module" else None
    return module if isinstance(module, GatedMerge) else None


def names(graph: fx.Graph) -> dict[fx.Node, str]:
    """What the nodes are called: the path of the module that is called, or of the one whose code does something.

    A second node of a name has `_1` behind it, and so on.
    """
    counts: Counter[str] = Counter()
    result = {}
    for node in graph.nodes:
        called = str(node.target) if node.op == "call_module" else node.name
        if node.op in ("call_function", "call_method"):
            does = getattr(node.target, "__name__", str(node.target)).strip("_")
            called = ".".join(filter(None, [owner(node), "add" if does == "iadd" else does]))
        result[node] = f"{called}_{counts[called]}" if counts[called] else called
        counts[called] += 1
    return result


def _ancestors(graph: fx.Graph) -> dict[fx.Node, frozenset[fx.Node]]:
    """For each node all that it is computed from; a shape is computed from nothing, and what is made in it neither."""
    before: dict[fx.Node, frozenset[fx.Node]] = {}
    for node in graph.nodes:
        sources = () if asks_for_shape(node) else node.all_input_nodes
        before[node] = frozenset().union(*({each, *before[each]} for each in sources))
    return before


def _own(graph_module: fx.GraphModule, node: fx.Node, own: Collection[fx.Node], shapes: Mapping[str, Shape]) -> Found:
    """A merge that has gates of its own."""
    module = cast("GatedMerge", gated_merge(graph_module, node))
    merge, name = module.merge, f"{node.target} ({type(module).__name__})"
    if sum(gated_merge(graph_module, each) is module for each in own) > 1:
        raise UsageError(Mistake(f"{name} is called at several places, expected one for each", key="module"))
    if isinstance(merge, GatedConcatenation) and merge.dim % len(shapes[node.name]) != 1:
        found, expected = f"{name} along dimension {merge.dim}", "dimension 1, that of the feature maps"
        raise UsageError(Mistake(key="module", found=found, expected=expected))
    gated = tuple(number is not None for number in merge.numbers)
    return Found(node, cast("tuple[fx.Node, ...]", node.args), gated, type(merge))


def _is_addition(node: fx.Node, shapes: Mapping[str, Shape], before: Before) -> bool:
    """Whether it adds two tensors of one shape that are both computed from what the module takes."""
    if node.op not in ("call_function", "call_method") or node.target not in _ADDING:
        return False
    terms = [each for each in (*node.args, *node.kwargs.values()) if isinstance(each, fx.Node)]
    if (len(terms), len(node.args) + len(node.kwargs)) != (2, 2):
        return False
    one, other = terms
    is_computed = all(_is_computed(each, before) for each in terms)
    is_seen_later = node.target in _IN_PLACE and any(node < user for user in one.users)
    is_alike = len(shapes.get(one.name, ())) > 1 and shapes[one.name] == shapes.get(other.name)
    return one is not other and is_computed and not is_seen_later and is_alike


def _is_computed(node: fx.Node, before: Before) -> bool:
    """Whether it is one of the inputs, or computed from one."""
    return any(each.op == "placeholder" for each in (node, *before[node]))


def _continues(node: fx.Node, shapes: Mapping[str, Shape], before: Before) -> bool:
    """Whether it is a sum that goes into another addition and nowhere else."""
    users = list(node.users)
    is_sum = len(users) == 1 and _is_addition(node, shapes, before)
    return is_sum and _is_addition(users[0], shapes, before)


def _unchanged(graph_module: fx.GraphModule, sums: Collection[fx.Node]) -> set[fx.Node]:
    """The sums whose terms are still what they were where the next addition takes them."""
    held = storages(graph_module)
    changes = changing(graph_module, held)

    def is_changed(node: fx.Node) -> bool:
        (user,) = node.users
        lies_in = frozenset[fx.Node]().union(*(held[each] for each in node.all_input_nodes))
        return any(node < other < user and lies_in & changed for other, changed in changes.items())

    return {node for node in sums if not is_changed(node)}


def _terms(node: fx.Node, continued: Collection[fx.Node]) -> tuple[fx.Node, ...]:
    terms: list[fx.Node] = []
    for each in node.all_input_nodes:
        terms += _terms(each, continued) if each in continued else [each]
    return tuple(terms)


def _stacked(node: fx.Node, shapes: Mapping[str, Shape]) -> tuple[fx.Node, ...]:
    """The inputs of a concatenation of feature maps; none of anything else."""
    if node.op != "call_function" or node.target not in _CONCATENATING or node.name not in shapes:
        return ()
    arguments = dict(zip(("tensors", "dim"), node.args, strict=False)) | dict(node.kwargs)
    inputs, along = arguments.get("tensors"), arguments.get("dim", arguments.get("axis", 0))
    is_known = isinstance(inputs, tuple | list) and all(isinstance(each, fx.Node) for each in inputs)
    if not is_known or not isinstance(along, int) or along % len(shapes[node.name]) != 1:
        return ()
    return tuple(inputs)  # type: ignore[arg-type]
