"""A network as a graph of torch operations, with everything that does not depend on the images computed beforehand."""

import json
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram
from torch.fx.node import map_arg
from torch.nn import functional as F

from connprune.errors import ConnpruneError
from connprune.export.subject import PIXELS
from connprune.network.network import Network

# Tracing takes a dimension of one for a constant.
_EXAMPLES = 2


def traced(network: Network, kind: str = PIXELS) -> ExportedProgram:
    """The network in evaluation, for batches of any size.

    Gates, and the weights that they are folded into, are constants of the graph: it has no gates left.

    Args:
        network: in evaluation mode, on the CPU.
        kind: the type of its input.

    Raises:
        ConnpruneError: the network does something that no graph can say.
    """
    given = network.architecture.input
    images = torch.zeros(_EXAMPLES, given.feature_maps, given.height, given.width, dtype=getattr(torch, kind))
    with exporter("torch.export"), torch.no_grad():
        functional = _exported(network, images).run_decompositions(_IN_PLAINER_OPERATIONS)
        program = _exported(_with_constants_folded(functional.module(check_guards=False)), images)
    for node in program.graph.nodes:
        # It would tell the paths of this machine.
        node.meta.pop("stack_trace", None)
    return program


def input_type(metadata: Mapping[str, str]) -> str:
    """The type of a network's input, as `Subject.metadata` says it; of pixel values if it says nothing."""
    return str(json.loads(metadata.get("preprocessing", "{}")).get("type", PIXELS))


@contextmanager
def exporter(name: str) -> Iterator[None]:
    """In here, what an exporter prints goes to stderr, and its warnings to developers go nowhere.

    Args:
        name: what its errors call it.

    Raises:
        ConnpruneError: it cannot express the network; a layer of a plugin may do anything.
    """
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        try:
            yield
        except (ConnpruneError, OSError, MemoryError):
            raise
        except Exception as error:  # Exporters raise whatever they stumble over.
            first: BaseException = error
            while first.__cause__:
                first = first.__cause__
            reason = " ".join([type(first).__name__, *str(first).split("\n", 1)[0].split()])
            raise ConnpruneError(
                f"{name} cannot express this network ({reason}); the format safetensors takes any."
            ) from error


def _adaptive_max_pool(values: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What ONNX has no operation for, in ones that it has.

    Row i of h is the maximum of the rows from ⌊i·H/h⌋ to below ⌈(i+1)·H/h⌉, and so are the columns (PyTorch's own
    definition). Where the windows are all alike, that is plain max-pooling.

    Returns:
        The maxima, and in place of their positions, which nothing reads, the maxima again.
    """
    height, width = values.shape[2:]
    if height % size[0] == 0 and width % size[1] == 0:
        pooled = F.max_pool2d(values, (height // size[0], width // size[1]))
        return pooled, pooled
    rows = torch.stack([values[:, :, window].amax(2) for window in _windows(height, size[0])], 2)
    pooled = torch.stack([rows[:, :, :, window].amax(3) for window in _windows(width, size[1])], 3)
    return pooled, pooled


def _windows(length: int, count: int) -> list[slice]:
    return [slice(number * length // count, -(-(number + 1) * length // count)) for number in range(count)]


_IN_PLAINER_OPERATIONS: Any = {torch.ops.aten.adaptive_max_pool2d.default: _adaptive_max_pool}


def _exported(module: nn.Module, images: Tensor) -> ExportedProgram:
    return torch.export.export(module, (images,), dynamic_shapes=({0: Dim("batch")},))


def _with_constants_folded(module: fx.GraphModule) -> fx.GraphModule:
    """The same module, with each operation on constants alone replaced by its result; nothing in it is in place."""
    known: dict[fx.Node, Any] = {}
    for node in module.graph.nodes:
        if node.op == "get_attr":
            known[node] = attrgetter(node.target)(module)
        elif node.op == "call_function" and node.all_input_nodes and known.keys() >= set(node.all_input_nodes):
            arguments, named = map_arg((node.args, node.kwargs), known.__getitem__)
            known[node] = node.target(*arguments, **named)
    for number, (node, value) in enumerate(known.items()):
        if node.op == "call_function" and isinstance(value, Tensor) and not known.keys() >= node.users.keys():
            name = f"constant_{number}"
            module.register_buffer(name, value.contiguous())
            with module.graph.inserting_before(node):
                constant = module.graph.get_attr(name)
            node.replace_all_uses_with(constant, lambda user: user not in known)
    # What only looks at constants, as torch's checks of a tensor's type do, has looked.
    for node in reversed(known):
        if node.op == "call_function" and not node.users:
            module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    # A new module has what the graph mentions, and no weights that nothing uses any more.
    return fx.GraphModule(module, module.graph)
