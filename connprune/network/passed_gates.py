"""The gates that act on what each target reads: its own, times those that layers before it passed on."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from connprune.architecture.architecture import Architecture
from connprune.network.gates import GateVector


class PassedGates(nn.Module):
    """Makes all gates of a forward pass at once, which is fewer operations than for one target after the other.

    A layer that passes gates on reads what is not multiplied yet. On each feature map that a connection brings to
    another target act the gate of the connection, and the gates along the path of such layers by which it came.

    Args:
        architecture: whose gates they are.
        gates: which of them belongs to which feature map.
        passing: the layers that pass on the gates of a concatenation.
    """

    def __init__(self, architecture: Architecture, gates: GateVector, passing: Collection[str]) -> None:
        super().__init__()
        none = len(gates.weight)
        own = gates(torch.arange(none))
        # None act on what the pass before has left.
        given = {
            name: torch.empty(0, shape.feature_maps, dtype=torch.int64)
            for name, shape in architecture.shapes.output.items()
        }
        acting: dict[str, Tensor] = {}
        for target, reads in architecture.reads.items():
            brought = [given[read.connection.source][:, read.take] for read in reads]
            paths = _side_by_side(brought, none)
            if target in own:
                paths = torch.cat([paths, own[target][None]])
            passes = target in passing and architecture.aggregate[target].only_stacks
            if not passes and len(paths):
                acting[target] = paths
            if passes:
                given[target] = paths
        self.targets, self.widths = list(acting), [paths.shape[1] for paths in acting.values()]
        self.products = Products(_side_by_side(list(acting.values()), none))

    def forward(self, values: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
        """For each target on which gates act, the factor of each feature map that its connections bring: (maps,).

        Args:
            values: the gates, (gates,).
            dtype: of what is returned.
        """
        return dict(zip(self.targets, self.products(values).to(dtype).split(self.widths), strict=True))


class Products(nn.Module):
    """Products of numbers.

    Args:
        factors: (most factors, products), which numbers are multiplied; one behind the last stands for 1.
    """

    def __init__(self, factors: Tensor) -> None:
        super().__init__()
        self.register_buffer("factors", factors, persistent=False)
        self.register_buffer("is_own", torch.eye(len(factors), dtype=torch.bool)[:, :, None], persistent=False)
        self.register_buffer("one", torch.ones(1), persistent=False)

    factors: Tensor
    is_own: Tensor
    one: Tensor

    def forward(self, values: Tensor) -> Tensor:
        """The products, (products,), of numbers, (count,)."""
        extended = torch.cat([values, self.one])
        if torch.compiler.is_exporting():
            return _product(extended[self.factors], 0)
        products: Tensor = _Products.apply(extended, self.factors, self.is_own)
        return products


class _Products(Function):
    """The products of columns of factors, with a backward pass that is no longer for more of them."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, factors: Tensor, is_own: Tensor) -> Tensor:
        each = values[factors]
        ctx.save_for_backward(values, factors, is_own, each)
        return _product(each, 0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        values, factors, is_own, each = ctx.saved_tensors
        terms = gradient
        if len(each) > 1:
            # Not the product divided by the factor, which may be 0.
            terms = gradient * _product(torch.where(is_own, values[-1], each), 1)
        return torch.zeros_like(values).index_add_(0, factors.flatten(), terms.flatten()), None, None


def _product(factors: Tensor, dim: int) -> Tensor:
    """As `prod` gives, which CUDA would first have to compile."""
    return factors.select(dim, 0) if factors.shape[dim] == 1 else factors.cumprod(dim).select(dim, -1)


def _side_by_side(paths: Sequence[Tensor], none: int) -> Tensor:
    """Paths of different lengths, (gates, maps) each, as (most gates, all maps), filled up at the front."""
    most = max(map(len, paths))
    return torch.cat([F.pad(each, (0, 0, most - len(each), 0), value=none) for each in paths], dim=1)
