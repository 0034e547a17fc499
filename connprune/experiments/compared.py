"""A cut as what it is compared with is made for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from connprune.architecture.baselines import Pair
from connprune.documents.run import Start
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, configuration_in, read_configuration, with_recipe
from connprune.training.first import first_architecture
from connprune.training.layered import Setting


@dataclass(frozen=True)
class ComparedCut:
    """What the baselines of a cut have in common.

    Attributes:
        cut: the cut.
        configuration: recipe and data.
        start: what the cut's own trainings start from.
        parent: the configuration of the training that the cut came from, before any cut.
        pair: parent and cut as architectures without gates.
    """

    cut: RunDirectory
    configuration: Configuration
    parent: Configuration
    pair: Pair
    start: Start = "scratch"

    @classmethod
    def of(
        cls,
        cut: RunDirectory,
        epochs: int | None,
        seed: int | None,
        start: Start = "scratch",
        settings: Sequence[Setting] = (),
    ) -> "ComparedCut":
        """What a cut and its baselines have in common.

        Args:
            cut: the cut.
            epochs: as `with_recipe` takes them.
            seed: likewise.
            start: what the cut's own trainings start from.
            settings: other keys of the recipe of all trainings.

        Raises:
            UsageError: the cut's files are damaged, or were written before cuts kept their parent's configuration.
        """
        full = first_architecture(cut)
        configuration = with_recipe(read_configuration(cut), epochs=epochs, seed=seed, settings=settings)
        parent = with_recipe(configuration_in(cut, cut.parent), epochs=epochs, seed=seed, settings=settings)
        pair = Pair(full.without_gates(), cut.architecture().without_gates(), configuration.training.seed)
        return cls(cut, configuration, parent, pair, start)
