"""A cut as what it is compared with is made for it."""

from dataclasses import dataclass

from connprune.architecture.baselines import Pair
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, configuration_in, read_configuration, with_recipe
from connprune.training.first import first_architecture


@dataclass(frozen=True)
class ComparedCut:
    """What the baselines of a cut have in common.

    Attributes:
        cut: the cut.
        configuration: recipe and data.
        parent: the configuration of the training that the cut came from, before any cut.
        pair: parent and cut as architectures without gates.
    """

    cut: RunDirectory
    configuration: Configuration
    parent: Configuration
    pair: Pair

    @classmethod
    def of(cls, cut: RunDirectory, epochs: int | None, seed: int | None) -> "ComparedCut":
        """What a cut and its baselines have in common.

        Raises:
            UsageError: the cut's files are damaged, or were written before cuts kept their parent's configuration.
        """
        full = first_architecture(cut)
        configuration = with_recipe(read_configuration(cut), epochs=epochs, seed=seed)
        parent = with_recipe(configuration_in(cut, cut.parent), epochs=epochs, seed=seed)
        pair = Pair(full.without_gates(), cut.architecture().without_gates(), configuration.training.seed)
        return cls(cut, configuration, parent, pair)
