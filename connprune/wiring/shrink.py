"""Removes closed connections from a wired module, with all weights that belong to them."""

import copy
import math
import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, fx, nn

from connprune.architecture.advice import instead
from connprune.architecture.architecture import Connection
from connprune.architecture.rules import Counts, Rule, Unit, require_rule
from connprune.arguments import require
from connprune.errors import DisconnectedError
from connprune.wiring.counts import counts, whole
from connprune.wiring.flow import is_identity_in_evaluation, scaled, sliced
from connprune.wiring.liveness import Left, Wired, gone, left_without
from connprune.wiring.modules import add_part, as_module, used_twice
from connprune.wiring.origin import ORIGIN, Origin
from connprune.wiring.parts import Concatenation, GatedReading, Merge, Scale
from connprune.wiring.storage import Storages, changing, storages


@dataclass(frozen=True)
class Report:
    """What a cut of a wired module takes away.

    Attributes:
        rule: the rule, in words.
        chosen: the connections that the rule chose.
        followed: those that went because nothing reached them or nothing read them any more.
        before: the parameters, without gates, and the MACs per image, of convolutions and dense layers.
        after: the same of what is left.
    """

    rule: str
    chosen: tuple[Connection, ...]
    followed: tuple[Connection, ...]
    before: Counts
    after: Counts


@dataclass(frozen=True)
class _Counted:
    """What is left of a wired module, which is counted and not made."""

    wired: Wired
    numbers: Mapping[Unit, int]

    def __call__(self, removed: frozenset[Unit], /) -> Counts | None:
        left = left_without(self.wired, frozenset(self.numbers[each] for each in removed))
        return counts(self.wired, left) if left else None

    def network(self, removed: frozenset[Unit], /) -> nn.Module:
        return without(self.wired.graph_module, {self.numbers[each] for each in removed}).eval()


def cut(wired: Wired, rule: Rule) -> tuple[Left, Report]:
    """Chooses by the magnitude of the gates, as the command does.

    Raises:
        UsageError: the rule is none, or asks for more than there is; or a gate is no finite number.
        DisconnectedError: the cut would leave no path from what the module takes to its output.
    """
    require_rule(rule)
    connections = wired.gates.connections
    numbers: dict[Unit, int] = {connection: number for number, connection in enumerate(connections)}
    magnitudes = wired.gates.values().detach().abs().tolist()
    scores: dict[Unit, float] = dict(zip(connections, magnitudes, strict=True))
    for unit, score in scores.items():
        require(f"gates[{str(unit)!r}]", score, float, "a finite number", math.isfinite)

    def left_after(removed: frozenset[Unit]) -> Left | None:
        return left_without(wired, frozenset(numbers[each] for each in removed))

    chosen = rule.chosen(scores, _Counted(wired, numbers))
    left = left_after(chosen)
    if left is None:
        advice = instead(scores, lambda removed: left_after(removed) is not None)
        raise DisconnectedError(
            f"The cut ({rule}) would leave no path from what the module takes to its output. {advice}"
        )
    followed = tuple(each for each in gone(wired, left) if each not in chosen)
    in_order = tuple(each for each in connections if each in chosen)
    return left, Report(str(rule), in_order, followed, whole(wired), counts(wired, left))


def shrink(graph_module: fx.GraphModule, rule: Rule) -> fx.GraphModule:
    """A copy of a wired module without the connections that a rule chooses, and without gates.

    What it gives in evaluation is what the module gives with the gates of everything that was removed at zero. Whole
    branches go where an addition loses an input; where a concatenation does, normalisations, convolutions and dense
    layers behind it lose the feature maps; the gates that are left are taken into weights.

    Args:
        graph_module: what `wire` gave; left as it is.
        rule: what to cut.

    Raises:
        UsageError: the rule is none, or asks for more than there is; or a gate is no finite number.
        DisconnectedError: the cut would leave no path from what the module takes to its output.
    """
    wired = Wired.of(graph_module)
    _, report = cut(wired, rule)
    connections = wired.gates.connections
    small = without(graph_module, {connections.index(each) for each in report.chosen})
    small.meta[ORIGIN] = Origin.of(wired.gates, (*report.chosen, *report.followed))
    return small


def without(graph_module: fx.GraphModule, removed: Collection[int]) -> fx.GraphModule:
    """A copy of a wired module without some connections, and without gates.

    Args:
        graph_module: what `wire` gave; left as it is.
        removed: the numbers of the gates of these connections.

    Raises:
        DisconnectedError: no path from what the module takes to its output is left.
    """
    wired = Wired.of(copy.deepcopy(graph_module))
    left = left_without(wired, removed)
    if left is None:
        raise DisconnectedError("This would leave no path from what the module takes to its output.")
    with torch.no_grad():
        held = storages(wired.graph_module)
        changes = tuple(changing(wired.graph_module, held).items())
        _Shrinking(wired, left, used_twice(wired.graph_module), held, changes).run()
    return as_module(wired.graph_module, wired.graph_module.graph, type(graph_module).__name__)


@dataclass(frozen=True)
class _Shrinking:
    """One cut, carried out in place.

    Attributes:
        wired: the module.
        left: what is left of it.
        used_twice: the modules whose weights cannot take a gate, since something else uses them too.
        held: where its tensors may lie.
        changes: the operations that change some in place.
    """

    wired: Wired
    left: Left
    used_twice: Collection[nn.Module]
    held: Storages
    changes: Sequence[tuple[fx.Node, frozenset[fx.Node]]]

    def run(self) -> None:
        graph, values = self.wired.graph_module.graph, self.wired.gates.values().detach()
        for node in self.left.inputs.keys() & self.left.nodes:
            merge = self.wired.merge(node)
            gates = node.args[:1] if merge and merge.multiplies else ()
            node.args = (*gates, *(each for each, _ in self.left.inputs[node]))
        graph.eliminate_dead_code()
        for node in graph.find_nodes(op="call_module"):
            module = self.wired.modules[str(node.target)]
            if isinstance(module, GatedReading):
                self._read(node, module.products(values))
            elif isinstance(module, Merge):
                self._merge(node, module, values)
            elif (source := self.wired.flows[node].source) in self.left.maps:
                _narrow(module, self.left.maps[source])
        graph.eliminate_dead_code()
        graph.lint()

    def _read(self, node: fx.Node, factors: Tensor) -> None:
        """Takes the gates of what a layer reads into its weights."""
        (reader,), (_, source) = node.users, cast("tuple[fx.Node, fx.Node]", node.args)
        module = self.wired.modules[str(reader.target)]
        for name, along in sliced(module)[0].items():
            tensor = getattr(module, name)
            tensor.mul_(factors.to(tensor.dtype).reshape(-1, *[1] * (tensor.dim() - 1 - along)))
        self._replace(node, source)

    def _merge(self, node: fx.Node, merge: Merge, values: Tensor) -> None:
        """Adds or concatenates what is left of the inputs of a merge."""
        graph = self.wired.graph_module.graph
        sources = cast("tuple[fx.Node, ...]", node.args[merge.multiplies :])
        numbers = [number if merge.multiplies else None for _, number in self.left.inputs[node]]
        with graph.inserting_before(node):
            terms = [
                source if number is None else self._scaled(source, values[number], sources.count(source) == 1)
                for source, number in zip(sources, numbers, strict=True)
            ]
            if isinstance(merge, Concatenation):
                self._replace(node, graph.call_function(torch.cat, (terms, 1)))
                return
            total = terms[0]
            for term in terms[1:]:
                total = graph.call_function(operator.add, (total, term))
            if len(terms) == 1 and self._is_changed(node, sources[0]):
                # What is changed in place was a sum, and must not be what that was made of.
                total = graph.call_method("clone", (total,))
        self._replace(node, total)

    def _replace(self, node: fx.Node, other: fx.Node) -> None:
        node.replace_all_uses_with(other)
        self.held[other] = self.held.get(other, frozenset()) | self.held[node]
        node.graph.erase_node(node)

    def _scaled(self, source: fx.Node, factor: Tensor, is_read_once: bool) -> fx.Node:
        """A tensor times its gate, which the layer that makes it takes into its weights if nothing else reads it."""
        graph_module, node = self.wired.graph_module, source
        while is_read_once and len(node.users) == 1 and is_identity_in_evaluation(node, self.wired.modules):
            node = node.all_input_nodes[0]
        module = self.wired.modules[str(node.target)] if node.op == "call_module" else None
        names = scaled(module) if module is not None and module not in self.used_twice else ()
        if names and is_read_once and len(node.users) == 1:
            for tensor in (getattr(module, name) for name in names):
                if tensor is not None:
                    tensor.mul_(factor.to(tensor.dtype))
            return source
        path = add_part(graph_module, "scale", Scale(factor))
        return graph_module.graph.call_module(path, (source,))

    def _is_changed(self, node: fx.Node, source: fx.Node) -> bool:
        """Whether a sum of one tensor is changed in place, or that tensor after it was taken."""
        return any(
            node in lies_in or (lies_in & self.held.get(source, frozenset()) and node < at)
            for at, lies_in in self.changes
        )


def _narrow(module: nn.Module, kept: Sequence[int]) -> None:
    """Leaves a module only what belongs to some of the feature maps that it reads."""
    tensors, widths = sliced(module)
    for name, along in tensors.items():
        tensor = getattr(module, name, None)
        if tensor is None:
            continue
        narrow = tensor.detach().index_select(along, torch.tensor(kept, device=tensor.device)).contiguous()
        if isinstance(tensor, nn.Parameter):
            narrow = nn.Parameter(narrow, requires_grad=tensor.requires_grad)
        setattr(module, name, narrow)
    for width in widths:
        setattr(module, width, len(kept))
