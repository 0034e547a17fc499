"""A module as a graph of its operations, in training and in evaluation alike."""

import copy
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.utils import _pytree as pytree

from connprune.arguments import require
from connprune.errors import ArgumentError, UsageError
from connprune.mistakes import Mistake
from connprune.wiring.gated import GatedMerge
from connprune.wiring.hooks import has_hooks
from connprune.wiring.modules import add_part, as_module, owner

Example = Tensor | tuple[Tensor, ...]
Shape = tuple[int, ...]


class IsTraining(nn.Module):
    """Says whether it is in training mode: what a function was given as `training=self.training`."""

    def forward(self) -> bool:
        return self.training


def traced(module: nn.Module, example: Example) -> tuple[fx.GraphModule, dict[str, Shape]]:
    """A copy of a module as a graph; its parameters and buffers keep their names, and it its mode.

    Args:
        module: any module that `torch.fx` can trace.
        example: what it takes, on its device: a tensor or a tuple of them, batch first.

    Returns:
        The graph, and the shape of each tensor that it makes from the example, by the name of its node.

    Raises:
        UsageError: a module in it cannot be traced, or does something else in training than in evaluation; the graph
            gives something else than the module; or the module does not take the example.
    """
    require("module", module, nn.Module, "a torch.nn.Module")
    inputs = _inputs(example)
    root = copy.deepcopy(module)
    fixed = _defaults(root, len(inputs))
    with _evaluating(root):
        evaluation = _graph(root, fixed)
        training = _graph(root.train(), fixed)
    result = as_module(root, training, type(module).__name__)
    _follow_mode(root, result, training, evaluation)
    result.graph.eliminate_dead_code()
    result.recompile()
    return result, _shapes(root, result, inputs)


def _shapes(root: nn.Module, result: fx.GraphModule, inputs: tuple[Tensor, ...]) -> dict[str, Shape]:
    """Runs both, which may have operations of their own at random.

    Raises:
        UsageError: they give different tensors, as where something is changed in place that has two names; or the
            module does not take the example.
    """
    probe = ShapeProp(result)
    with _evaluating(root, result), torch.random.fork_rng():
        torch.manual_seed(0)
        try:
            expected = root(*inputs)
        except Exception as error:
            given = " and ".join(str(tuple(tensor.shape)) for tensor in inputs)
            raise UsageError(
                Mistake(f"the module does not take it: {_first_line(error)}", key="example", found=given)
            ) from error
        torch.manual_seed(0)
        given = probe.propagate(*inputs)
    if not _are_close(expected, given):
        raise UsageError(
            Mistake(
                f"{type(root).__name__} gives something else than the graph that torch.fx makes of it",
                key="module",
                expected="a forward that changes nothing in place that it reads again by another name",
            )
        )
    metas = {node.name: node.meta.get("tensor_meta") for node in result.graph.nodes}
    return {name: tuple(meta.shape) for name, meta in metas.items() if hasattr(meta, "shape")}


def require_unchanged(module: nn.Module, wired: fx.GraphModule, gates: fx.Node | None, example: Example) -> None:
    """Runs a module and what was wired of it, with all gates at 1 where they are not the module's own.

    Args:
        module: any; left as it is.
        wired: what was made of it.
        gates: the node that gives them; None if they are its own.
        example: what it takes.

    Raises:
        UsageError: they give different tensors.
    """
    inputs, root = _inputs(example), copy.deepcopy(module)
    with _evaluating(root, wired), torch.random.fork_rng():
        torch.manual_seed(0)
        expected = root(*inputs)
        torch.manual_seed(0)
        given_gates = {gates: torch.ones_like(wired.get_parameter(f"{gates.target}.weight"))} if gates else {}
        given = fx.Interpreter(wired).run(*inputs, initial_env=given_gates)
    if not _are_close(expected, given):
        how = "with gates of 1 than without" if gates else "once it is wired"
        raise UsageError(
            Mistake(
                f"{type(module).__name__} gives something else {how}",
                key="module",
                expected="a forward that adds nothing in place to what it reads again by another name",
            )
        )


def _are_close(expected: Any, given: Any) -> bool:
    pairs = zip(pytree.tree_leaves(expected), pytree.tree_leaves(given), strict=True)
    return all(torch.allclose(one, other, 1e-3, 1e-4, equal_nan=True) for one, other in pairs if torch.is_tensor(one))


@contextmanager
def _evaluating(*modules: nn.Module) -> Iterator[None]:
    """Without gradients, in evaluation mode; afterwards every part is in its own mode again."""
    modes = [(part, part.training) for module in modules for part in module.modules()]
    for module in modules:
        module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode


class _Tracer(fx.Tracer):
    """Remembers in which module it failed, and refuses to pass hooks by."""

    def __init__(self) -> None:
        super().__init__()
        self.failed_in: str | None = None

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
        path = self.path_of_module(m)
        try:
            if isinstance(m, GatedMerge) or not self.is_leaf_module(m, path):
                _require_no_hooks(m)
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed_in = self.failed_in or path
            raise

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, GatedMerge) or super().is_leaf_module(m, module_qualified_name)


def _require_no_hooks(module: nn.Module) -> None:
    if has_hooks(module):
        raise RuntimeError("it has hooks, which a graph of its operations would leave out")


def _graph(root: nn.Module, fixed: dict[str, object]) -> fx.Graph:
    tracer = _Tracer()
    try:
        _require_no_hooks(root)
        return tracer.trace(root, concrete_args=fixed)
    except Exception as error:
        raise UsageError(
            Mistake(
                f"{_called(root, tracer.failed_in)} cannot be traced by torch.fx: {_first_line(error)}",
                key="module",
                hint="a function that torch.fx.wrap marks is not traced into",
            )
        ) from error


def _defaults(root: nn.Module, inputs: int) -> dict[str, object]:
    """The parameters of `forward` behind the inputs: a graph would take `mask is not None` for true.

    Raises:
        UsageError: the module takes fewer or more inputs than there are.
    """
    parameters = list(inspect.signature(root.forward).parameters.values())
    try:
        inspect.signature(root.forward).bind(*range(inputs))
    except TypeError as error:
        raise UsageError(
            Mistake(f"forward does not take it: {error}", key="example", found=f"{inputs} tensors")
        ) from error
    return {each.name: each.default for each in parameters[inputs:] if each.default is not each.empty}


def _follow_mode(root: nn.Module, result: fx.GraphModule, training: fx.Graph, evaluation: fx.Graph) -> None:
    """Gives the nodes that a mode has been written into the mode that the module has when they run.

    Args:
        root: what was traced.
        result: is changed.
        training: the graph that was traced in training mode, of which `result` has a copy.
        evaluation: the same module's graph in evaluation mode.
    """
    copies, others = list(result.graph.nodes), list(evaluation.nodes)
    for number, (own, node, other) in enumerate(zip_longest(copies, training.nodes, others)):
        if node is None or other is None or not _is_alike(node, other):
            path = owner(node if node is not None else others[number])
            raise UsageError(
                Mistake(
                    f"{_called(root, path)} does something else in training than in evaluation",
                    key="module",
                    expected="the same operations, but for dropout and the like",
                )
            )
        flags = _differing(_flat(node), _flat(other))
        if not flags:
            continue
        name = add_part(result, "is_training", IsTraining())
        with result.graph.inserting_before(own):
            mode = result.graph.call_module(name)
        leaves, structure = pytree.tree_flatten((own.args, own.kwargs))
        for at in flags:
            leaves[at] = mode
        own.args, own.kwargs = pytree.tree_unflatten(leaves, structure)
    result.graph.lint()


def _is_alike(node: fx.Node, other: fx.Node) -> bool:
    """Whether two nodes are the same, but for what is true in the one and false in the other."""
    ours, theirs = _flat(node), _flat(other)
    if (node.op, node.target, len(ours)) != (other.op, other.target, len(theirs)):
        return False
    return all((ours[at], theirs[at]) == (True, False) for at in _differing(ours, theirs))


def _flat(node: fx.Node) -> list[Any]:
    leaves, _ = pytree.tree_flatten((node.args, node.kwargs))
    return [_named(leaf) for leaf in leaves]


def _named(leaf: Any) -> Any:
    """An argument with the names of nodes in their place."""
    if isinstance(leaf, slice):
        return tuple(map(_named, (leaf.start, leaf.stop, leaf.step)))
    return leaf.name if isinstance(leaf, fx.Node) else leaf


def _differing(ours: list[Any], theirs: list[Any]) -> list[int]:
    pairs = enumerate(zip(ours, theirs, strict=True))
    return [at for at, (one, other) in pairs if not (one is other or (type(one) is type(other) and one == other))]


def _called(root: nn.Module, path: str | None) -> str:
    """How a sentence names a module: its path and its class."""
    if not path:
        return f"{type(root).__name__} itself"
    return f"{path} ({type(root.get_submodule(path)).__name__})"


def _inputs(example: object) -> tuple[Tensor, ...]:
    inputs = example if isinstance(example, tuple) else (example,)
    if not inputs or not all(isinstance(each, Tensor) and each.dim() for each in inputs):
        raise ArgumentError(Mistake(key="example", expected="a tensor, or a tuple of tensors, batch first"))
    return inputs


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
