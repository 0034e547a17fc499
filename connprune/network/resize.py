"""Bringing feature maps to another height and width."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.network.feature_maps import FeatureMaps

Size = tuple[int, int]
Resize = Callable[[FeatureMaps], FeatureMaps]


def make_resize(before: Size, after: Size, mode: str) -> nn.Module:
    """What brings feature maps from one height and width to another.

    Args:
        before: height and width of what it is given.
        after: height and width of what it gives.
        mode: `pad`; `max-pool`; or one that `torch.nn.functional.interpolate` names.
    """
    if before == after:
        return Keep()
    if mode == "pad":
        return Pad(before, after)
    if mode == "max-pool":
        return MaxPool(after)
    return Nearest(after) if mode == "nearest" else Interpolate(before, after, mode)


class Keep(nn.Module):
    """Nothing to do."""

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps


class Pad(nn.Module):
    """Zeros around, one more at the end where they are odd; gates stay pending.

    Args:
        before: height and width.
        after: height and width, no smaller.
    """

    def __init__(self, before: Size, after: Size) -> None:
        super().__init__()
        rows, columns = (wanted - have for wanted, have in zip(after, before, strict=True))
        self.margins = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps._replace(values=F.pad(maps.values, self.margins))


class _To(nn.Module):
    """Brings feature maps of any size to one height and width.

    Args:
        after: height and width.
    """

    def __init__(self, after: Size) -> None:
        super().__init__()
        self.after = after


class MaxPool(_To):
    """The maximum of each window; gates stay pending where none can be negative."""

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        if maps.gates_are_positive:
            return maps._replace(values=F.adaptive_max_pool2d(maps.values, self.after))
        return FeatureMaps(F.adaptive_max_pool2d(maps.gated(), self.after))


class Nearest(_To):
    """The nearest activation; gates stay pending."""

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps._replace(values=F.interpolate(maps.values, self.after, mode="nearest"))


class Interpolate(nn.Module):
    """Bilinear, bicubic or area interpolation; gates stay pending.

    All three are linear, and go along rows and columns one after the other, so on CUDA they are two matrix products:
    torch's own kernels for bilinear and bicubic run on a single block of the GPU there, and their backward pass adds
    in no fixed order (docs/decisions/a-resize-is-two-matrix-products.md).

    Args:
        before: height and width.
        after: height and width.
        mode: `bilinear`, `bicubic` or `area`, as `torch.nn.functional.interpolate` computes them.

    Attributes:
        rows: (height after, height before).
        columns: (width before, width after).
    """

    rows: Tensor
    columns: Tensor
    rows_in_bfloat16: Tensor
    columns_in_bfloat16: Tensor

    def __init__(self, before: Size, after: Size, mode: str) -> None:
        super().__init__()
        self.after, self.mode = after, mode
        heights, widths = zip(before, after, strict=True)
        for name, matrix in (("rows", self._matrix(*heights)), ("columns", self._matrix(*widths).t().contiguous())):
            self.register_buffer(name, matrix, persistent=False)
            # Autocast would convert it in every step.
            self.register_buffer(f"{name}_in_bfloat16", matrix.bfloat16(), persistent=False)

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        values = maps.values
        return maps._replace(values=self.by_matrices(values) if values.is_cuda else self.by_torch(values, self.after))

    def by_torch(self, values: Tensor, size: Size) -> Tensor:
        """As torch computes it.

        Args:
            values: (batch, maps, height before, width before).
            size: height and width.
        """
        corners = None if self.mode == "area" else False
        return F.interpolate(values, size, mode=self.mode, align_corners=corners)

    def by_matrices(self, values: Tensor) -> Tensor:
        """The same as two matrix products, up to rounding.

        Args:
            values: (batch, maps, height before, width before).
        """
        batch, maps, height, width = values.shape
        in_bfloat16 = values.dtype == torch.bfloat16
        if width != self.after[1]:
            values = values @ (self.columns_in_bfloat16 if in_bfloat16 else self.columns)
        if height != self.after[0]:
            rows = self.rows_in_bfloat16 if in_bfloat16 else self.rows
            # One matrix for every map, as a batched product: `@` would copy the maps to make one large product of it.
            values = torch.bmm(rows.expand(batch * maps, -1, -1), values.flatten(0, 1))
        return values.view(batch, maps, *self.after)

    def _matrix(self, before: int, after: int) -> Tensor:
        """What resizes one column: the resized unit columns side by side, (after, before)."""
        matrix: Tensor = self.by_torch(torch.eye(before)[None, None], (after, before))[0, 0]
        return matrix
