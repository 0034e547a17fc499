"""The parts of a graph module: which there are, who calls them, and new ones."""

from collections import Counter
from itertools import chain, count
from operator import attrgetter

import torch
from torch import fx, nn


def as_module(root: nn.Module, graph: fx.Graph, name: str) -> fx.GraphModule:
    """A graph with those of a module's parts that it uses, in their mode."""
    result = fx.GraphModule(root, graph, name)
    modes = {path: part.training for path, part in root.named_modules(remove_duplicate=False)}
    for path, part in result.named_modules(remove_duplicate=False):
        part.training = modes.get(path, root.training)
    return result


def used_twice(graph_module: fx.GraphModule) -> set[nn.Module]:
    """The modules that are called at several places, or whose parameters others have or read too."""
    modules = modules_of(graph_module)
    called = Counter(modules[str(node.target)] for node in graph_module.graph.nodes if node.op == "call_module")
    owners = Counter(id(each) for module in set(modules.values()) for each in module.parameters(recurse=False))
    owners.update({id(attrgetter(node.target)(graph_module)) for node in graph_module.graph.find_nodes(op="get_attr")})
    return {
        module
        for module, times in called.items()
        if times > 1 or any(owners[id(each)] > 1 for each in module.parameters())
    }


def modules_of(graph_module: fx.GraphModule) -> dict[str, nn.Module]:
    """All modules by all of their paths, of which one that stands at two places has two."""
    return dict(graph_module.named_modules(remove_duplicate=False))


def owner(node: fx.Node) -> str:
    """The path of the module in whose `forward` an operation stands; empty for that of the whole."""
    stack = node.meta.get("nn_module_stack")
    return next(reversed(stack.values()))[0] if stack else ""


def add_part(graph_module: fx.GraphModule, stem: str, part: nn.Module) -> str:
    """Adds a part to a module, on its device and in its mode, and gives the path of it, which no other part has."""
    taken = modules_of(graph_module)
    names = (f"wiring.{stem}{f'_{number}' if number else ''}" for number in count())
    path = next(name for name in names if name not in taken)
    like = next(chain(graph_module.parameters(), graph_module.buffers()), torch.empty(0))
    graph_module.add_submodule(path, part.to(like.device).train(graph_module.training))
    return path
