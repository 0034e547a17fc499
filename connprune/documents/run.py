"""What a run is, how far it is, and what came out."""

from typing import ClassVar, Literal, get_args

from pydantic import Field

from connprune.documents.base import Fraction, Natural, Part, Shown, Sparse

TrainingKind = Literal["train", "retrain", "evolution"]
ExperimentKind = Literal["comparison", "sweep"]
Kind = Literal[TrainingKind, "cut", ExperimentKind]
TRAININGS: tuple[TrainingKind, ...] = get_args(TrainingKind)
# The kinds of runs that hold trainings and have no network of their own.
EXPERIMENTS: tuple[ExperimentKind, ...] = get_args(ExperimentKind)
# What the weights of a training start from: fresh ones, a cut's own, or those of an early epoch of its search.
Start = Literal["scratch", "cut", "early"]
STARTS: tuple[Start, ...] = get_args(Start)
Status = Literal["planned", "running", "interrupted", "failed", "finished"]


class EpochResults(Part):
    """The results with the weights after an epoch, losses as mean cross-entropy, accuracies 0 to 1.

    Attributes:
        epoch: its number, from 1.
        validation_loss: on validation images.
        validation_accuracy: likewise.
        test_loss: on test images.
        test_accuracy: likewise.
    """

    epoch: Natural
    validation_loss: float
    validation_accuracy: Fraction
    test_loss: float
    test_accuracy: Fraction


class ClassResults(Part):
    """Of a class.

    Attributes:
        name: of the class.
        train: its training images.
        validation: its validation images.
        test: its test images.
        test_accuracy: on these, 0 to 1; None without any.
    """

    name: str
    train: Natural
    validation: Natural
    test: Natural
    test_accuracy: Fraction | None = None


class Reached(Part):
    """What was wanted of the gates, and what came of it.

    Attributes:
        wanted: the share of connections that was to close, or the count that was allowed.
        reached: what it was at the end.
        met: whether that is near enough.
    """

    wanted: float
    reached: float
    met: bool


class EvolutionResults(Part):
    """Of an evolution of wirings.

    Attributes:
        budget: how many trainings it may take, or took.
        chosen: the number of the best trial, from 0.
        validation_accuracies: of each trial; None of one that diverged.
    """

    budget: Natural
    chosen: Natural | None = None
    validation_accuracies: tuple[Fraction | None, ...] | None = None


class Summary(Sparse, Shown):
    """What `summary.json` holds; what is not known, or not yet, is left out.

    Attributes:
        path: of the run, where it is printed.
        kind: what made the run.
        status: how far it is.
        created: when it was begun, ISO 8601.
        updated: when its summary was last written, ISO 8601.
        origin: the preset, or the name of the configuration's file, that its first training began with.
        parent: of a cut the run that was cut; of a search in a cut that cut.
        ancestry: of a search in a cut the runs that it goes back to, the first training first, that cut last.
        cut: of a retrained run the cut.
        cut_digest: SHA-256 of that cut's weights.
        start: of a training what its weights start from; left out where they are fresh.
        launch: of several processes that train together, what tells this launch from others.
        digests: of the texts in the directory, by name.
        data: the name of the data set, or of the file or folder that it is in.
        values: the type of an image's values, where it is not uint8.
        data_digest: of the images.
        classes: their names, by number.
        seed: of the training.
        epochs: of the training.
        connections: with and without gates.
        gated_connections: those with a gate.
        layers: without the head.
        parameters: that are learned, gates included.
        macs: multiply-accumulates per image.
        evolution: of wirings.
        gates_closed: how many connections ended with a gate below 0.01.
        target_sparsity: the share of closed connections.
        budget: for each count that has one.
        training_seconds: spent in epochs.
        wall_seconds: from the first moment to the results.
        final: the results after the last epoch.
        best: those after the epoch with the lowest validation loss.
        per_class: the results after the last epoch.
    """

    paths: ClassVar[tuple[str, ...]] = ("cut", "parent", "ancestry")

    path: str | None = None
    kind: Kind
    status: Status
    created: str | None = None
    updated: str | None = None
    origin: str | None = None
    parent: str | None = None
    ancestry: tuple[str, ...] | None = None
    cut: str | None = None
    cut_digest: str | None = None
    start: Start | None = None
    launch: str | None = None
    digests: dict[str, str] = Field(default_factory=dict)
    data: str | None = None
    values: Literal["float32"] | None = None
    data_digest: str | None = None
    classes: tuple[str, ...] | None = None
    seed: Natural | None = None
    epochs: Natural | None = None
    connections: Natural | None = None
    gated_connections: Natural | None = None
    layers: Natural | None = None
    parameters: Natural | None = None
    macs: Natural | None = None
    evolution: EvolutionResults | None = None
    gates_closed: Natural | None = None
    target_sparsity: Reached | None = None
    budget: dict[str, Reached] | None = None
    training_seconds: float | None = None
    wall_seconds: float | None = None
    final: EpochResults | None = None
    best: EpochResults | None = None
    per_class: tuple[ClassResults, ...] | None = None


class Trained(Summary):
    """What `summary.json` holds once a training is finished, and what `train` prints.

    Attributes:
        wall_seconds: None of an evolution of which a trial does not know its own.
    """

    kind: TrainingKind
    status: Literal["finished"]
    data_digest: str
    classes: tuple[str, ...]
    epochs: Natural
    connections: Natural
    gated_connections: Natural
    layers: Natural
    parameters: Natural
    macs: Natural
    training_seconds: float
    final: EpochResults
    best: EpochResults

    @property
    def all_gates_closed(self) -> bool:
        """Whether there are gates and none is open: then little but biases reaches the classes."""
        return bool(self.gated_connections) and self.gates_closed == self.gated_connections
