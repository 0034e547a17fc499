"""What the torch side of every aggregate has in common, and how it is found."""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from connprune.architecture.aggregates import Aggregate
from connprune.architecture.architecture import Architecture
from connprune.network.feature_maps import FeatureMaps
from connprune.network.layers import State
from connprune.registry import imported


class AggregateModule(nn.Module):
    """Makes one tensor of inputs of one height and width, and of their gates.

    Args:
        architecture: the architecture.
        target: the layer that reads it, or the head.
    """

    # Whether neighbouring inputs that are resized alike may come as one tensor; where inputs are not stacked, those of
    # as many feature maps.
    joins_neighbours: ClassVar[bool] = True

    def __init__(self, architecture: Architecture, target: str) -> None:
        super().__init__()

    def forward(self, inputs: Sequence[Tensor], gates: Tensor | None, positive: bool) -> FeatureMaps:
        """What the target reads.

        Args:
            inputs: (batch, maps, height, width) each; where they are stacked, one tensor already.
            gates: what each feature map of all inputs is multiplied with, (maps,); None is ones.
            positive: whether no gate can be negative.
        """
        raise NotImplementedError(type(self).__name__)

    def reading_weights(self, behind: Tensor) -> Tensor:
        """The weights that read the inputs, the feature maps of `Read.at` in dimension 1.

        Args:
            behind: those that read what the aggregate gives, its feature maps in dimension 1.
        """
        return behind

    def takes_gates(self) -> bool:
        """Whether its own weights can take the gates, see `take_gates`."""
        return False

    def take_gates(self, gates: Tensor) -> None:
        """Multiplies the gates of all inputs into its weights for good: it computes the same without them.

        Args:
            gates: of each feature map of all inputs, (maps,).
        """
        raise NotImplementedError(type(self).__name__)

    def merged_gates(self, gates: Tensor) -> Tensor | None:
        """What the feature maps that it gives are multiplied with if its inputs are with these; None: it differs.

        Args:
            gates: of each feature map of all inputs, (maps,).

        Returns:
            Of each feature map of the merge, (merged,).
        """
        return None

    @staticmethod
    def narrowed(state: State, merged: Tensor, brought: Tensor) -> State:
        """The module's state after a cut.

        Args:
            state: before it.
            merged: the numbers of the feature maps that it still gives.
            brought: the numbers, among those of all inputs, of the feature maps that it still reads.
        """
        return state


def module_of(aggregate: type[Aggregate]) -> type[AggregateModule]:
    """The torch module of an aggregate.

    Raises:
        UsageError: the aggregate names none that there is.
    """
    module: type[AggregateModule] = imported(aggregate.module, f"aggregate {aggregate.__name__}")
    return module
