"""The margins around feature maps that a window slides over."""

from torch import Tensor
from torch.nn import functional as F

from connprune.architecture.windows import Padding


class Margins:
    """What is added around feature maps, for windows that reach over their edge.

    Args:
        reaches: how many rows and columns a window goes beyond the first one that it sees.
        padding: `same` adds as many in all, and one more at the end where they are odd; `valid` adds none.

    Attributes:
        around: rows and columns that a convolution or a pooling adds at either end.
        are_uneven: whether the end needs one more than the beginning.
    """

    def __init__(self, reaches: tuple[int, int], padding: Padding) -> None:
        rows, columns = reaches if padding == "same" else (0, 0)
        self.around = (rows // 2, columns // 2)
        self._more = (0, columns % 2, 0, rows % 2)
        self.are_uneven = any(self._more)

    def added(self, values: Tensor, filling: float = 0.0) -> Tensor:
        """The values with what the end needs more than the beginning."""
        return F.pad(values, self._more, value=filling) if self.are_uneven else values
