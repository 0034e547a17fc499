"""A sweep: every combination of the values on some axes."""

from typing import ClassVar, Literal

from connprune.documents.base import Fraction, Natural, Part, Shown
from connprune.documents.comparison import Comparison, Training
from connprune.documents.statistics import Difference


class CellTraining(Training):
    """One training of a cell.

    Attributes:
        training_seconds: spent in epochs.
        gates_closed: how many connections ended closed; None without gates.
    """

    training_seconds: float
    gates_closed: Natural | None


class Cell(Part):
    """One combination.

    Attributes:
        name: of its folder below `jobs/`.
        cell: for each axis the label.
        seeds: of which there are results.
        test_accuracy: the mean over them.
        test_std: their standard deviation; None of fewer than two.
        validation_accuracy: the mean on validation images.
        gates_closed: the mean number of connections that ended closed; None without gates.
        gated_connections: out of how many.
        parameters: of its network.
        macs: multiply-accumulates per image.
        training_seconds: the mean of its trainings.
        wall_seconds: likewise; None where one does not know it.
        runs: its trainings.
    """

    name: str
    cell: dict[str, str]
    seeds: Natural
    test_accuracy: Fraction
    test_std: float | None
    validation_accuracy: Fraction
    gates_closed: float | None
    gated_connections: Natural
    parameters: Natural
    macs: Natural
    training_seconds: float
    wall_seconds: float | None
    runs: tuple[CellTraining, ...]


class Wirings(Part):
    """How alike the gates ended under a label.

    Attributes:
        gates_closed: the mean number of connections that ended closed.
        decided_epoch: the mean epoch after which no gate changed sides any more.
        jaccard_between_seeds: the mean overlap of what two seeds keep, 0 to 1; None of a single seed.
        correlation_between_seeds: of their gates, −1 to 1; None where it is not defined.
        jaccard_with_first: the mean overlap with what the first label keeps; None if their connections differ.
        correlation_with_first: likewise.
    """

    gates_closed: float
    decided_epoch: float
    jaccard_between_seeds: float | None
    correlation_between_seeds: float | None
    jaccard_with_first: float | None
    correlation_with_first: float | None


class Label(Part):
    """What a label of an axis does, on the average over the other axes.

    Attributes:
        label: the value, or its name.
        seeds: of which all its cells, and those of the first label, have results.
        test_accuracy: the mean; None without a seed.
        difference: this label − the first one; None of the first one.
        wirings: how alike the gates ended; None without gates.
    """

    label: str
    seeds: Natural
    test_accuracy: Fraction | None
    difference: Difference | None
    wirings: Wirings | None


class Step(Part):
    """What followed the searches of a cell.

    Attributes:
        then: the commands.
        cell: for each axis the label.
        comparison: what came out.
    """

    then: str
    cell: dict[str, str]
    comparison: Comparison


class Sweep(Shown):
    """What `sweep` makes.

    Attributes:
        kind: what it is.
        path: its directory.
        seeds: of the repetitions.
        unfinished: trainings that are missing.
        measure: what is compared.
        method: how, in words.
        rows: the cells that have results.
        axes: for each its labels.
        then: what followed.
    """

    paths: ClassVar[tuple[str, ...]] = ("path",)

    kind: Literal["sweep"] = "sweep"
    path: str
    seeds: tuple[Natural, ...]
    unfinished: Natural
    measure: Literal["test_accuracy"] = "test_accuracy"
    method: str
    rows: tuple[Cell, ...]
    axes: dict[str, tuple[Label, ...]]
    then: tuple[Step, ...] = ()
