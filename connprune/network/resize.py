"""Bringing feature maps to other heights and widths."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Size = tuple[int, int]


def make_resize(before: Size, after: Sequence[Size], mode: str) -> nn.Module:
    """What brings feature maps from one height and width to several others, called with them: a list of tensors.

    Args:
        before: height and width of what it is given.
        after: height and width of what it gives.
        mode: `pad`; `max-pool`; or one that `torch.nn.functional.interpolate` names.
    """
    match mode:
        case "pad":
            return Each(Pad(before, size) for size in after)
        case "max-pool":
            return Each(nn.AdaptiveMaxPool2d(size) for size in after)
        case "nearest":
            return Each(nn.Upsample(size, mode="nearest") for size in after)
        case _:
            return Interpolate(before, after, mode)


class Each(nn.ModuleList):
    """What each of some modules makes of the same feature maps."""

    def forward(self, values: Tensor) -> list[Tensor]:
        return [module(values) for module in self]


class Pad(nn.Module):
    """Zeros around, one more at the end where they are odd.

    Args:
        before: height and width.
        after: height and width, no smaller.
    """

    def __init__(self, before: Size, after: Size) -> None:
        super().__init__()
        rows, columns = (wanted - have for wanted, have in zip(after, before, strict=True))
        self.margins = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)

    def forward(self, values: Tensor) -> Tensor:
        return F.pad(values, self.margins)


class Interpolate(nn.Module):
    """Bilinear, bicubic or area interpolation.

    All three are linear, and go along rows and columns one after the other, so on CUDA they are matrix products:
    torch's own kernels for bilinear and bicubic run on a single block of the GPU there, and their backward pass adds
    in no fixed order (docs/decisions/a-resize-is-two-matrix-products.md).

    Args:
        before: height and width.
        after: heights and widths.
        mode: `bilinear`, `bicubic` or `area`, as `torch.nn.functional.interpolate` computes them.
    """

    def __init__(self, before: Size, after: Sequence[Size], mode: str) -> None:
        super().__init__()
        self.after, self.mode = after, mode
        height, width = before
        # (width before, all widths after), and (height after, height before) each.
        columns = torch.cat([self._matrix(width, size[1]).t() for size in after], dim=1)
        for number, matrix in enumerate([columns, *(self._matrix(height, size[0]) for size in after)]):
            self.register_buffer(f"matrix{number}", matrix, persistent=False)
            # Autocast would convert it in every step.
            self.register_buffer(f"matrix{number}_in_bfloat16", matrix.bfloat16(), persistent=False)

    def forward(self, values: Tensor) -> list[Tensor]:
        if values.is_cuda and not torch.compiler.is_exporting():
            return self.by_matrices(values)
        return [self.by_torch(values, size) for size in self.after]

    def by_torch(self, values: Tensor, size: Size) -> Tensor:
        """As torch computes it.

        Args:
            values: (batch, maps, height before, width before).
            size: height and width.
        """
        corners = None if self.mode == "area" else False
        return F.interpolate(values, size, mode=self.mode, align_corners=corners)

    def by_matrices(self, values: Tensor) -> list[Tensor]:
        """The same for all sizes as matrix products, up to rounding.

        Args:
            values: (batch, maps, height before, width before).
        """
        kind = "_in_bfloat16" if values.dtype == torch.bfloat16 else ""
        columns, *rows = (getattr(self, f"matrix{number}{kind}") for number in range(len(self.after) + 1))
        return list(_Interpolated.apply(values, [width for _, width in self.after], columns, *rows))

    def _matrix(self, before: int, after: int) -> Tensor:
        """What resizes one column: the resized unit columns side by side, (after, before)."""
        matrix: Tensor = self.by_torch(torch.eye(before)[None, None], (after, before))[0, 0]
        return matrix


class _Interpolated(Function):
    """rows · values · columns for several pairs: along the rows all at once, and their gradients added up in place."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, widths: list[int], columns: Tensor, *rows: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(columns, *rows)
        ctx.widths, ctx.shape = widths, values.shape
        batch, maps, height, width = values.shape
        across = _products(values.reshape(batch, maps * height, width), columns.expand(batch, -1, -1))
        parts = across.view(batch * maps, height, sum(widths)).split(widths, dim=2)
        made = [_products(each.expand(batch * maps, -1, -1), part) for each, part in zip(rows, parts, strict=True)]
        return tuple(each.view(batch, maps, *each.shape[1:]) for each in made)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        columns, *rows = ctx.saved_tensors
        batch, maps, _, width = ctx.shape
        total: Tensor | None = None
        for gradient, column, each in zip(gradients, columns.split(ctx.widths, dim=1), rows, strict=True):
            if gradient is None:
                continue
            # First along the rows, a product for each image: a gradient that is a part of a concatenation's needs no
            # copy then.
            across = _products(gradient.flatten(1, 2), column.t().expand(batch, -1, -1))
            factors = each.t().expand(batch * maps, -1, -1), across.view(batch * maps, -1, width)
            total = _products(*factors) if total is None else total.baddbmm_(*factors)
        return None if total is None else total.view(ctx.shape), None, None, *[None] * len(rows)


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Batched products; those of a column and a row torch compiles on CUDA, for which there need be no compiler."""
    return left * right if left.shape[2] == 1 else torch.bmm(left, right)
