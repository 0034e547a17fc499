"""The torch side of the aggregates that go feature map by feature map."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from connprune.architecture.architecture import Architecture
from connprune.architecture.elementwise import Mean as PlainMean
from connprune.network.aggregates import AggregateModule
from connprune.network.feature_maps import FeatureMaps
from connprune.network.runs import runs

# How many inputs one byte can number.
_BYTE = 256


class Elementwise(AggregateModule):
    """Sum or maximum, feature map by feature map; inputs with fewer feature maps count as zero in the others."""

    # The aggregate of two inputs.
    operation: Callable[[Tensor, Tensor], Tensor]

    def __init__(self, architecture: Architecture, target: str) -> None:
        super().__init__(architecture, target)
        counts = {read.connection.source: read.maps for read in architecture.reads[target]}
        self.runs = [(len(names), counts[names[0]]) for names in runs(architecture, target)]
        self.merged = architecture.shapes.merged[target].feature_maps
        for number, (first, *_) in enumerate(runs(architecture, target)):
            selection = architecture.selection(target, first)
            at = torch.tensor(selection.at) if selection and selection.at is not None else None
            self.register_buffer(f"at{number}", at, persistent=False)

    def forward(self, inputs: Sequence[Tensor], gates: Tensor | None, positive: bool) -> FeatureMaps:
        widths = [length * count for length, count in self.runs]
        split = [None] * len(inputs) if gates is None else list(gates.split(widths))
        positions = [getattr(self, f"at{number}") for number in range(len(inputs))]
        values = list(inputs)
        for number, run in enumerate(self.runs):
            gates_of_run, (length, _) = split[number], run
            if length > 1:
                values[number] = values[number].unflatten(1, run)
                split[number] = None if gates_of_run is None else gates_of_run.view(run)
        if torch.compiler.is_exporting():
            # Buffers that are written in place would become a chain of copies in an exported graph.
            widened = [_widened(self.merged, *operands) for operands in zip(positions, split, values, strict=True)]
            return FeatureMaps(reduce(self.operation, widened))
        return FeatureMaps(self.combine(positions, split, values))

    def merged_gates(self, gates: Tensor) -> Tensor | None:
        if len(self.runs) > 1 or self.runs[0][0] > 1:
            return None  # Each of several inputs has a gate of its own, and only their aggregate is read.
        at = cast("Tensor | None", self.at0)
        where = torch.arange(len(gates), device=gates.device) if at is None else at
        return gates.new_ones(self.merged).index_copy(0, where, gates)

    def combine(self, positions: list[Tensor | None], gates: list[Tensor | None], inputs: list[Tensor]) -> Tensor:
        """The aggregate, (batch, merged maps, height, width).

        Args:
            positions: for each input which merged feature maps its own belong to, (maps,); None is the first ones.
            gates: for each input its gates, (maps,), or for several that are one (inputs, maps); None is ones.
            inputs: (batch, maps, height, width) each, or (batch, inputs, maps, height, width).
        """
        raise NotImplementedError


class _AddGated(Function):
    """total + g·x in place, one input at a time, but for those that are one tensor already; no total is 0.

    Then the backward pass makes the gradient of one input at a time too, and autograd adds it to what its source has
    gathered before the next one is made; one function for the whole sum would hold all of them at once.
    """

    @staticmethod
    def forward(ctx: Any, total: Tensor | None, at: Tensor | None, gate: Tensor | None, values: Tensor) -> Tensor:
        ctx.at, ctx.adds = at, total is not None
        ctx.save_for_backward(gate, values)
        if total is None:
            return _summed(gate, values)
        if values.dim() > total.dim():
            total[:, : values.shape[2]] += _summed(gate, values)
        elif at is not None:
            total.index_add_(1, at, _gated(gate, values))
        elif gate is None:
            total[:, : values.shape[1]] += values
        else:
            total[:, : values.shape[1]].addcmul_(values, _wide(gate))
        ctx.mark_dirty(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gate, values = ctx.saved_tensors
        of_total = gradient if ctx.adds else None
        return of_total, None, *_product_gradients(_part(gradient, ctx.at, values), gate, values)


class _GatedMax(Function):
    """max g·x in one pass: only the number of the winning input is kept, in one byte for each value if it fits."""

    @staticmethod
    def forward(ctx: Any, merged: int, positions: list[Tensor | None], *operands: Tensor | None) -> Tensor:
        gates, inputs = _halves(operands)
        largest = _filled(-torch.inf, merged, inputs[0])
        winner = torch.zeros_like(largest, dtype=torch.uint8 if len(inputs) <= _BYTE else torch.int16)
        for number, (at, gate, values) in enumerate(zip(positions, gates, inputs, strict=True)):
            product = _gated(gate, values)
            if at is not None or values.shape[1] < merged:
                full = torch.zeros_like(largest)
                full[:, slice(values.shape[1]) if at is None else at] = product
                product = full
            better = product > largest
            # Not `where`: what is no number has to show, and no comparison holds for it.
            largest = torch.maximum(largest, product)
            winner.masked_fill_(better, number)
        ctx.positions = positions
        ctx.save_for_backward(winner, *operands)
        return largest

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        winner, *operands = ctx.saved_tensors
        gates, inputs = _halves(operands)
        of_gates, of_inputs = [], []
        for number, (at, gate, values) in enumerate(zip(ctx.positions, gates, inputs, strict=True)):
            part = _part(gradient, at, values) * (_part(winner, at, values) == number)
            of_gate, of_values = _product_gradients(part, gate, values)
            of_gates.append(of_gate)
            of_inputs.append(of_values)
        return None, None, *of_gates, *of_inputs


class Sum(Elementwise):
    """The gated sum, in one running buffer."""

    operation = staticmethod(torch.add)

    def combine(self, positions: list[Tensor | None], gates: list[Tensor | None], inputs: list[Tensor]) -> Tensor:
        fills = positions[0] is None and inputs[0].shape[-3] == self.merged
        total: Any = None if fills else _filled(0.0, self.merged, inputs[0].flatten(1, -3))
        for at, gate, values in zip(positions, gates, inputs, strict=True):
            total = _AddGated.apply(total, at, gate, values)
        return cast("Tensor", total)


class Mean(Sum):
    """The gated sum over its denominator."""

    def __init__(self, architecture: Architecture, target: str) -> None:
        super().__init__(architecture, target)
        mean = PlainMean(architecture.merge_of(target))
        self.denominator = mean.denominator(len(architecture.connections[target]))

    def forward(self, inputs: Sequence[Tensor], gates: Tensor | None, positive: bool) -> FeatureMaps:
        return FeatureMaps(super().forward(inputs, gates, positive).values / self.denominator)

    def reading_weights(self, behind: Tensor) -> Tensor:
        return behind / self.denominator


class Maximum(Elementwise):
    """The gated maximum."""

    joins_neighbours = False
    operation = staticmethod(torch.maximum)

    def combine(self, positions: list[Tensor | None], gates: list[Tensor | None], inputs: list[Tensor]) -> Tensor:
        largest: Tensor = _GatedMax.apply(self.merged, positions, *gates, *inputs)
        return largest


def _filled(number: float, maps: int, like: Tensor) -> Tensor:
    """Feature maps full of a number, (batch, maps, height, width), in the memory layout of others."""
    batch, _, height, width = like.shape
    if like.is_contiguous():
        return like.new_full((batch, maps, height, width), number)
    return like.new_full((batch, height, width, maps), number).permute(0, 3, 1, 2)


def _widened(merged: int, at: Tensor | None, gate: Tensor | None, values: Tensor) -> Tensor:
    """The gated input among zeros where the merge has feature maps that it lacks, (batch, merged, height, width)."""
    product = _summed(gate, values)
    if at is None:
        return F.pad(product, (0, 0, 0, 0, 0, merged - product.shape[1]))
    # For each merged feature map the number of the input's, or of the zeros behind them.
    numbers = torch.ones_like(at).cumsum(0) - 1
    origin = at.new_full((merged,), len(at)).index_copy(0, at, numbers)
    return F.pad(product, (0, 0, 0, 0, 0, 1)).index_select(1, origin)


def _halves(operands: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """What belongs to the gates, and what belongs to the inputs."""
    middle = len(operands) // 2
    return operands[:middle], operands[middle:]


def _wide(gate: Tensor) -> Tensor:
    return gate[..., None, None]


def _gated(gate: Tensor | None, values: Tensor) -> Tensor:
    return values if gate is None else values * _wide(gate)


def _summed(gate: Tensor | None, values: Tensor) -> Tensor:
    """The gated input in memory of its own, of several that are one their sum."""
    if values.dim() > 4:
        return _gated(gate, values).sum(1)
    return values.clone() if gate is None else _gated(gate, values)


def _part(whole: Tensor, at: Tensor | None, values: Tensor) -> Tensor:
    if values.dim() > whole.dim():
        return whole[:, None, : values.shape[2]]
    return whole[:, : values.shape[1]] if at is None else whole.index_select(1, at)


def _product_gradients(part: Tensor, gate: Tensor | None, values: Tensor) -> tuple[Tensor | None, Tensor]:
    """The gradients of a gate and of what it multiplies, from that of their product; one new tensor serves for both."""
    if gate is None:
        return None, part.expand_as(values)
    product = part * values
    of_gate = product.sum(dim=(0, -2, -1))
    return of_gate, torch.mul(part, _wide(gate), out=product)
