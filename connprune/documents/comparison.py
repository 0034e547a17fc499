"""A cut, or the cuts of several searches, beside baselines."""

from typing import ClassVar, Literal

from connprune.documents.base import Fraction, Natural, Part, Shown
from connprune.documents.run import Start
from connprune.documents.statistics import Difference, Rank

# The row that the others are compared with.
CUT = "cut"
Unit = Literal["seed", "search"]
UNITS: dict[Unit, str] = {"seed": "seeds", "search": "searches"}


class Training(Part):
    """One training of a network.

    Attributes:
        seed: of the training.
        validation_accuracy: after the last epoch, 0 to 1.
        test_accuracy: likewise.
        training_seconds: spent in epochs; None where it was not taken.
        wall_seconds: from its first moment to its results; likewise.
    """

    seed: Natural
    validation_accuracy: Fraction
    test_accuracy: Fraction
    training_seconds: float | None
    wall_seconds: float | None


class Counts(Part):
    """The size of a network, or the mean over several.

    Attributes:
        connections: gated or not.
        layers: without the head.
        parameters: that are learned.
        macs: multiply-accumulates per image.
    """

    connections: float
    layers: float
    parameters: float
    macs: float


class Named(Part):
    """Of a network.

    Attributes:
        name: its own.
    """

    name: str


class Network(Counts, Named):
    """A network of a comparison.

    Attributes:
        runs: its finished trainings.
        start: what its weights start from; None where an earlier version did not say.
    """

    runs: tuple[Training, ...]
    start: Start | None = None


class Ratios(Part):
    """How many times the baseline's count the cut has; None where the baseline has none.

    Attributes:
        parameters: of the parameters.
        macs: of the MACs.
    """

    parameters: float | None
    macs: float | None


class Cost(Part):
    """What the cut costs beside a baseline.

    Attributes:
        ratios: cut / baseline, the mean over searches.
        equal: whether both counts are the cut's within the tolerance of `random-cost`, in every search.
        unequal: in how many searches they are not.
        of: out of how many.
    """

    ratios: Ratios
    equal: bool
    unequal: Natural
    of: Natural


class Results(Part):
    """What the cut, or a baseline of one network or several, gets.

    Attributes:
        network: what the row is called.
        count: its networks; over searches the most that one search has.
        searches: that have results.
        seeds: that all its networks have.
        test_accuracy: the mean over those seeds, or over searches; None if there are none.
        test_std: the standard deviation over them; None of fewer than two.
        validation_accuracy: the mean on validation images.
        start: what the weights of its networks start from; None where an earlier version did not say.
    """

    network: str
    count: Natural
    searches: Natural
    seeds: Natural
    test_accuracy: Fraction | None
    test_std: float | None
    validation_accuracy: Fraction | None
    start: Start | None = None


class Row(Counts, Results):
    """The cut, or a baseline of one network or several, with what it costs.

    Attributes:
        cost: of the cut beside it; None in the cut's own row.
        latency_seconds: by batch size; None where it was not measured.
        training_seconds: the mean of its trainings; None where one does not know it.
        wall_seconds: likewise.
        difference: cut − this row; None in the cut's own row, or without a pair.
        rank: of the cut among the row's networks; None if it is a single one.
        networks: with their trainings.
    """

    cost: Cost | None
    latency_seconds: dict[str, float] | None
    training_seconds: float | None
    wall_seconds: float | None
    difference: Difference | None
    rank: Rank | None
    networks: tuple[Network, ...]

    def repetitions(self, unit: Unit) -> int:
        """How many there are of what the interval is over."""
        return self.searches if unit == "search" else self.seeds


class Search(Part):
    """The part of a comparison that belongs to one search.

    Attributes:
        search: its number, from 1.
        rule: by which it was cut.
        rows: the cut first.
        verdicts: a sentence for each other row.
    """

    search: Natural
    rule: str
    rows: tuple[Row, ...]
    verdicts: tuple[str, ...]


class Comparison(Shown):
    """What `retrain` makes.

    Attributes:
        kind: what it is.
        path: the directory of the comparison, or of the one retrained run.
        cuts: the directories of the cuts.
        rules: by which each was cut.
        epochs: of each training that it asked for; a plain retraining takes its parent as it was trained.
        seeds: of the repetitions.
        unit: what the intervals are over.
        unfinished: trainings that are missing.
        measure: what is compared.
        method: how, in words.
        rows: the cut first.
        verdicts: a sentence for each other row.
        searches: of several cuts, what each says alone.
    """

    paths: ClassVar[tuple[str, ...]] = ("path", "cuts")

    kind: Literal["comparison"] = "comparison"
    path: str
    cuts: tuple[str, ...]
    rules: tuple[str, ...]
    epochs: Natural
    seeds: tuple[Natural, ...]
    unit: Unit
    unfinished: Natural
    measure: Literal["test_accuracy"] = "test_accuracy"
    method: str
    rows: tuple[Row, ...]
    verdicts: tuple[str, ...]
    searches: tuple[Search, ...] = ()
