"""Puts gates on the skip connections of a module that somebody else wrote."""

from collections.abc import Collection, Mapping, Sequence
from itertools import count
from typing import cast

import torch
from torch import fx, nn

from connprune.architecture.architecture import Connection
from connprune.architecture.gates import Gates
from connprune.arguments import require
from connprune.errors import ArgumentError, UsageError
from connprune.mistakes import Mistake, few
from connprune.names import unknown
from connprune.wiring.counts import relative_costs
from connprune.wiring.flow import asks_for_shape, flow, keeps_zero, sliced
from connprune.wiring.gated import GatedMerge, Penalise, gate_settings
from connprune.wiring.merges import Found, gated_merge, merges, names
from connprune.wiring.modules import add_part, modules_of, used_twice
from connprune.wiring.parts import Acting, Addition, Concatenation, GatedReading, Merge, Numbers, WiredGates
from connprune.wiring.tracing import Example, Shape, require_unchanged, traced
from connprune.wiring.widths import flatten_by_shape, state_width

_CANNOT = "cannot lose any"
_TWICE = "is used at several places, and would lose them at all of these"
_MOVES = "makes something else than zero of a closed one"


def wire(
    module: nn.Module,
    example: Example,
    *,
    kind: str = "linear",
    start: float = 1.0,
    penalty: float = 1e-3,
    penalise: Penalise | None = None,
    ungated: Collection[str] = (),
) -> fx.GraphModule:
    """A copy of a module with a gate on each of its skip connections.

    A connection goes from what makes a tensor to the addition or the concatenation (along dimension 1) that takes it,
    and is called by the paths of the modules, `layer1.0.bn2->layer1.0.add`. In an addition the input that all others
    are computed from has no gate: a residual network adds its branches to it. The gates of a concatenation act where
    the next layers read it, behind normalisations and activations. With linear gates that start at 1, the module gives
    what it gave before.

    A module that has gates of its own, by `connprune.nn.GatedSum` and `GatedConcat`, gets no others and gives what it
    gave: these become the gates of the copy, with their kind, w, temperature and penalty, whatever is said here.

    It trains in any loop: add `connprune.penalty(wired)` to the loss, and cut with `connprune.shrink(wired, rule)`.

    Args:
        module: any module that `torch.fx` can trace; left as it is.
        example: what it takes, on its device: a tensor or a tuple of them, batch first.
        kind: of the gates, as `gates.kind` of a configuration.
        start: w of every gate.
        penalty: λ, by which `connprune.penalty` multiplies what it sums up.
        penalise: what that is, as `gates.penalise` of a configuration.
        ungated: additions and concatenations that get no gates, by their names, `layer1.0.add`.

    Returns:
        The copy, in the mode and on the device of the module; its parameters and buffers have the module's names, and
        the gates are `wiring.gates.weight`.

    Raises:
        UsageError: the module cannot be traced; it has no skip connections; what reads one of its concatenations
            cannot lose feature maps; its own gates differ in kind, or stand where none can go; or a setting does not
            suit. Modules are named by their paths.
    """
    settings = gate_settings(kind, start, penalty, penalise)
    require("module", module, nn.Module, "a torch.nn.Module")
    if any(isinstance(part, WiredGates) for part in module.modules()):
        raise UsageError(Mistake(key="module", found="a wired module", expected="one without gates"))
    graph_module, sizes = traced(module, example)
    called, found = names(graph_module.graph), merges(graph_module, sizes)
    own = list(filter(None, (gated_merge(graph_module, each.node) for each in found)))
    if own and ungated:
        expected = "none, since the module has gates of its own"
        raise ArgumentError(Mistake(key="ungated", found=", ".join(map(repr, ungated)), expected=expected))
    for name in ungated:
        if name not in (known := [called[each.node] for each in found]):
            raise UsageError(unknown("ungated", name, known))
    connections: list[Connection] = []
    made: dict[fx.Node, fx.Node] = {}
    for each in found:
        target = called[each.node]
        gated = [is_gated and target not in ungated for is_gated in each.gated]
        ahead = count(len(connections))
        numbers = tuple(next(ahead) if is_gated else None for is_gated in gated)
        sources = [called[source] for source, is_gated in zip(each.inputs, gated, strict=True) if is_gated]
        connections += [Connection(source, target) for source in _apart(sources)]
        made[each.node] = _mark(graph_module, each, made, target, numbers, sizes)
    if not connections:
        raise UsageError(
            Mistake("it has no additions and concatenations of feature maps, so no skip connections", key="module")
        )
    gates = WiredGates(connections, _common(own) if own else settings, sizes, sorted(ungated))
    if own:
        gates.weight.data = torch.cat([each.weight.detach() for each in own])
        gates.temperature.copy_(own[0].temperature)
    values = _gate(graph_module, gates, called)
    require_unchanged(module, graph_module, None if own else values, example)
    return graph_module


def _common(own: Sequence[GatedMerge]) -> Gates:
    """The settings that a module's own gates have in common.

    Raises:
        UsageError: they differ.
    """
    first, *others = (each.settings for each in own)
    same = all(each.model_copy(update={"initialisation": first.initialisation}) == first for each in others)
    if not same or len({each.temperature.item() for each in own}) > 1:
        problem = f"the gates of its {len(own)} gated sums and concatenations differ in more than where they start"
        expected = "the same kind, temperature, penalty and penalise for all"
        raise UsageError(Mistake(problem, key="module", expected=expected))
    return first


def _apart(sources: list[str]) -> list[str]:
    """Names of sources, told apart where a merge takes one twice."""
    before = [sources[:at].count(name) for at, name in enumerate(sources)]
    return [f"{name}#{times + 1}" if times else name for name, times in zip(sources, before, strict=True)]


def _mark(
    graph_module: fx.GraphModule,
    found: Found,
    made: Mapping[fx.Node, fx.Node],
    target: str,
    numbers: Numbers,
    sizes: dict[str, Shape],
) -> fx.Node:
    """Puts a module in the place of an addition or a concatenation."""
    graph = graph_module.graph
    part = found.part(target, numbers)
    path = add_part(graph_module, "merge", part)
    with graph.inserting_before(found.node):
        node = graph.call_module(path, tuple(made.get(each, each) for each in found.inputs))
    sizes[node.name] = sizes[found.node.name]
    found.node.replace_all_uses_with(node)
    if gated_merge(graph_module, found.node):
        graph.erase_node(found.node)
        graph_module.delete_submodule(str(found.node.target))
    return node


def _gate(graph_module: fx.GraphModule, gates: WiredGates, called: Mapping[fx.Node, str]) -> fx.Node:
    """Lets the gates act: on additions where they stand, on what is concatenated where it is read.

    Returns:
        The node that gives the gates.
    """
    graph = graph_module.graph
    # What an addition or a concatenation was before it was marked.
    graph.eliminate_dead_code()
    path = add_part(graph_module, "gates", gates)
    with graph.inserting_before(next(node for node in graph.nodes if node.op != "placeholder")):
        values = graph.call_module(path)
    modules, shared = modules_of(graph_module), used_twice(graph_module)
    acting: dict[fx.Node, Acting] = {}
    mistakes: list[Mistake] = []
    for node in list(graph.nodes):
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, Concatenation) and not module.multiplies:
            acting |= _beside(node, module.numbers, acting, gates.shapes)
            continue
        gated = [each for each in node.all_input_nodes if each in acting]
        if isinstance(module, Merge):
            node.args = (values, *node.args)
        if isinstance(module, Concatenation):
            # Its gates have acted; its feature maps can still go.
            acting[node] = ((),) * gates.shapes[node.name][1]
            continue
        if gated and asks_for_shape(node):
            state_width(node, gates.shapes[gated[0].name])
        if not gated or asks_for_shape(node):
            continue
        through = flow(node, modules, gates.shapes)
        is_shared = module is not None and module in shared and bool(sliced(module)[0])
        have_acted = not any(acting[gated[0]])
        moves = have_acted and through.kind == "apart" and not keeps_zero(node, modules)
        if through.kind in ("other", "merge") or is_shared or moves:
            name = module.name if isinstance(module, Addition) else called[node]
            problem = _MOVES if moves else _TWICE if is_shared else _CANNOT
            mistakes.append(_unsuitable(name, module, _merge_of(gated[0], modules), problem))
        elif through.kind == "reads" and not have_acted:
            reading = GatedReading(acting[gated[0]], len(gates.connections))
            path = add_part(graph_module, "reading", reading)
            with graph.inserting_before(node):
                product = graph.call_module(path, (values, gated[0]))
            gates.shapes[product.name] = gates.shapes[gated[0].name]
            node.replace_input_with(gated[0], product)
        elif through.kind != "reads":
            if through.kind == "repeated" and module is None:
                flatten_by_shape(node, gated[0])
            acting[node] = tuple(numbers for numbers in acting[gated[0]] for _ in range(through.times))
    if mistakes:
        raise UsageError(*few(mistakes, len(mistakes)))
    graph.lint()
    graph_module.recompile()
    if gates.settings.penalised == "cost":
        gates.costs.copy_(relative_costs(graph_module))
    return values


def _beside(
    node: fx.Node, numbers: Numbers, acting: Mapping[fx.Node, Acting], sizes: Mapping[str, Shape]
) -> dict[fx.Node, Acting]:
    """The gates that act on what a concatenation gives; nothing if none do."""
    maps: list[tuple[int, ...]] = []
    for source, number in zip(cast("tuple[fx.Node, ...]", node.args), numbers, strict=True):
        before = acting.get(source, ((),) * sizes[source.name][1])
        maps += [(*each, *(() if number is None else (number,))) for each in before]
    return {node: tuple(maps)} if any(maps) else {}


def _merge_of(node: fx.Node, modules: Mapping[str, nn.Module]) -> Concatenation:
    """The concatenation whose feature maps reach a node."""
    while not (node.op == "call_module" and isinstance(found := modules[str(node.target)], Concatenation)):
        node = next(each for each in node.all_input_nodes)
    return found


def _unsuitable(name: str, module: nn.Module | None, merge: Concatenation, problem: str) -> Mistake:
    is_layer = module is not None and not isinstance(module, Addition)
    what = f"{name} ({type(module).__name__})" if is_layer else name
    instead = "a torch.cat in its place gets gates that act behind it" if problem is _MOVES else None
    hint = instead if merge.multiplies else f"ungated=[{merge.name!r}] leaves it without gates"
    return Mistake(f"the feature maps of {merge.name} go to {what}, which {problem}", key="module", hint=hint)
