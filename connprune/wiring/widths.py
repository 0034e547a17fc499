"""Where a `forward` says how many feature maps there are, which is another number after a cut."""

import operator
from functools import partial

import torch
from torch import fx
from torch.fx.node import map_arg

from connprune.wiring.tracing import Shape


def flatten_by_shape(node: fx.Node, source: fx.Node) -> None:
    """Makes a flattening of one that may name numbers, as `view(-1, 512)` does.

    Args:
        node: a function or method that makes all of an image one row.
        source: what it takes.
    """
    node.op, node.target, node.args, node.kwargs = "call_function", torch.flatten, (source, 1), {}


def state_width(node: fx.Node, shape: Shape) -> None:
    """Writes the number of feature maps down where a size is asked for, so that no cut changes what it is used for.

    Args:
        node: asks a tensor for its shape or a part of that.
        shape: of that tensor.
    """
    if node.op == "call_method" and node.target == "size" and len(node.args) + len(node.kwargs) > 1:
        along = node.kwargs.get("dim", node.args[-1])
        asking = [node] if along in (1, 1 - len(shape)) else []
    else:
        asking = [
            user for user in node.users if user.target is operator.getitem and user.args[1] in (1, 1 - len(shape))
        ]
    for each in asking:
        for user in list(each.users):
            user.args, user.kwargs = map_arg((user.args, user.kwargs), partial(_instead, each, shape[1]))


def _instead(node: fx.Node, width: int, given: fx.Node) -> fx.Node | int:
    return width if given is node else given
