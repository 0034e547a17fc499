"""What is left of a wired module when connections go: by the rules of a cut, everything that no longer matters goes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import cast

from torch import fx, nn

from connprune.architecture.architecture import Connection
from connprune.wiring.flow import Flow, flow
from connprune.wiring.modules import modules_of
from connprune.wiring.parts import Addition, Concatenation, Merge, WiredGates


@dataclass(frozen=True)
class Wired:
    """A wired module, taken apart once so that many cuts can be tried.

    Attributes:
        graph_module: the module.
        modules: all of its modules, by their paths.
        gates: its gates.
        flows: how feature maps go through each of its nodes.
    """

    graph_module: fx.GraphModule
    modules: dict[str, nn.Module]
    gates: WiredGates
    flows: dict[fx.Node, Flow]

    @classmethod
    def of(cls, graph_module: fx.GraphModule) -> "Wired":
        """Takes a module that has gates apart."""
        modules = modules_of(graph_module)
        gates = next(each for each in modules.values() if isinstance(each, WiredGates))
        flows = {node: flow(node, modules, gates.shapes) for node in graph_module.graph.nodes}
        return cls(graph_module, modules, gates, flows)

    def merge(self, node: fx.Node) -> Merge | None:
        """The addition or concatenation that a node stands for; None of any other."""
        module = self.modules[str(node.target)] if node.op == "call_module" else None
        return module if isinstance(module, Merge) else None

    def inputs(self, node: fx.Node) -> Iterator[tuple[fx.Node, int | None]]:
        """What a merge takes, each with the number of its gate."""
        merge = self.merge(node)
        sources = node.args[1:] if merge and merge.multiplies else node.args
        numbers = merge.numbers if merge else ()
        yield from zip(cast("tuple[fx.Node, ...]", sources), numbers, strict=True)


@dataclass(frozen=True)
class Left:
    """What is left.

    Attributes:
        nodes: the nodes that are still needed.
        inputs: of each merge among them, the inputs that are left, each with the number of its gate.
        maps: of each node, the numbers of the feature maps that are left; a node that has all of them is not there.
        connections: the numbers of the gates that are left.
    """

    nodes: frozenset[fx.Node]
    inputs: dict[fx.Node, tuple[tuple[fx.Node, int | None], ...]]
    maps: dict[fx.Node, tuple[int, ...]]
    connections: frozenset[int]


def left_without(wired: Wired, removed: Collection[int]) -> Left | None:
    """What is left without some connections; None if what the module gives would be lost.

    A merge that has lost all of its inputs, or one that has no gate, is lost itself, and so is what is computed from
    it up to the next gates, whose connections go too. An addition without any gates can do without merges that are
    lost: they are zero.

    Args:
        wired: the module.
        removed: the numbers of the gates of these connections.
    """
    lost: set[fx.Node] = set()
    zero: set[fx.Node] = set()  # Of these the merges that are lost because they add up nothing.
    inputs: dict[fx.Node, tuple[tuple[fx.Node, int | None], ...]] = {}
    maps: dict[fx.Node, tuple[int, ...]] = {}
    for node in wired.graph_module.graph.nodes:
        if wired.merge(node) is None:
            if any(each in lost for each in node.all_input_nodes):
                lost.add(node)
            elif (passed := _passed(wired, node, maps)) is not None:
                maps[node] = passed
            continue
        every = tuple(wired.inputs(node))
        inputs[node] = tuple((each, number) for each, number in every if each not in lost and number not in removed)
        is_plain = isinstance(wired.merge(node), Addition) and all(number is None for _, number in every)
        can_miss = zero if is_plain else ()
        if any(number is None and each in lost and each not in can_miss for each, number in every):
            lost.add(node)
        elif not inputs[node]:
            lost.add(node)
            zero.add(node)
        elif isinstance(wired.merge(node), Concatenation):
            maps |= _stacked(wired, node, every, inputs[node], maps)
    (output,) = wired.graph_module.graph.find_nodes(op="output")
    if output in lost:
        return None
    needed = _needed(output, inputs)
    connections = {number for node in needed & inputs.keys() for _, number in inputs[node] if number is not None}
    return Left(frozenset(needed), inputs, maps, frozenset(connections))


def gone(wired: Wired, left: Left | None) -> tuple[Connection, ...]:
    """The connections that are not left."""
    kept = left.connections if left else frozenset()
    return tuple(each for number, each in enumerate(wired.gates.connections) if number not in kept)


def _passed(wired: Wired, node: fx.Node, maps: dict[fx.Node, tuple[int, ...]]) -> tuple[int, ...] | None:
    """The numbers of the feature maps that a node is left with; None if that is all of them."""
    if not any(each in maps for each in node.all_input_nodes):
        return None
    through = wired.flows[node]
    if through.source not in maps or through.kind not in ("apart", "repeated"):
        return None
    return tuple(through.times * number + at for number in maps[through.source] for at in range(through.times))


def _stacked(
    wired: Wired,
    node: fx.Node,
    every: tuple[tuple[fx.Node, int | None], ...],
    left: tuple[tuple[fx.Node, int | None], ...],
    maps: dict[fx.Node, tuple[int, ...]],
) -> dict[fx.Node, tuple[int, ...]]:
    numbers: list[int] = []
    start = 0
    for each in every:
        count = wired.gates.shapes[each[0].name][1]
        if each in left:
            numbers += [start + number for number in maps.get(each[0], range(count))]
        start += count
    return {node: tuple(numbers)} if len(numbers) < start else {}


def _needed(output: fx.Node, inputs: dict[fx.Node, tuple[tuple[fx.Node, int | None], ...]]) -> set[fx.Node]:
    """All that the output is computed from."""
    needed, ahead = {output}, [output]
    while ahead:
        node = ahead.pop()
        sources = [each for each, _ in inputs[node]] if node in inputs else node.all_input_nodes
        ahead += (new := [each for each in sources if each not in needed])
        needed.update(new)
    return needed
