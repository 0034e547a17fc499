"""What commands list."""

from typing import Literal

from connprune.documents.base import Document, Natural, Part


class Presets(Document):
    """What `presets` prints.

    Attributes:
        kind: what it is.
        presets: their names.
    """

    kind: Literal["presets"] = "presets"
    presets: tuple[str, ...]


class Preset(Document):
    """What `presets NAME` prints.

    Attributes:
        kind: what it is.
        name: of the preset.
        configuration: its YAML.
    """

    kind: Literal["preset"] = "preset"
    name: str
    configuration: str


class Commands(Document):
    """The commands that execute an experiment.

    Attributes:
        kind: what it is.
        path: the directory of the experiment.
        commands: one for each training that remains.
    """

    kind: Literal["commands"] = "commands"
    path: str
    commands: tuple[str, ...]


class PlannedTraining(Document):
    """What `train` would train.

    Attributes:
        kind: what it is.
        configuration: the whole YAML.
        gated_connections: of its network.
        parameters: likewise.
        macs: multiply-accumulates per image.
        explained: the YAML with what set each value, where that was asked for.
    """

    kind: Literal["planned-training"] = "planned-training"
    configuration: str
    gated_connections: Natural
    parameters: Natural
    macs: Natural
    explained: str | None = None


class PlannedCell(Part):
    """A combination of a sweep.

    Attributes:
        name: of its folder.
        cell: for each axis the label.
    """

    name: str
    cell: dict[str, str]


class PlannedSweep(Document):
    """What `sweep` would train.

    Attributes:
        kind: what it is.
        trainings: how many there are.
        seeds: of the repetitions.
        cells: the combinations.
    """

    kind: Literal["planned-sweep"] = "planned-sweep"
    trainings: Natural
    seeds: tuple[Natural, ...]
    cells: tuple[PlannedCell, ...]


class RunRow(Part):
    """One directory. What it does not say, or not yet, is None.

    Attributes:
        path: the directory.
        kind: what made it: train, cut, retrain, evolution, comparison or sweep.
        status: `planned`, `running` while a process works in it, `interrupted` (killed ones too), `failed`, `done`,
            `damaged`, or `no run`.
        owner: the process that works in it.
        done: epochs that are done; of an experiment its trainings.
        total: out of how many.
        validation_accuracy: on validation images, after the last epoch so far, 0 to 1.
        test_accuracy: on test images, once it is done, 0 to 1.
        connections: those that are kept: of a training the ones whose gate is not closed.
        connections_before: out of how many; of a retrained cut those of its parent.
        parameters: of its network.
        parent: of a cut the run that was cut, of a retrained run the cut; a path.
        origin: the preset, or the name of the configuration's file, that its first training began with.
        data: the name of the data set or of the folder of images.
        seed: of its training.
        rule: of a cut, what was cut and by what.
        created: when it was begun, ISO 8601.
        updated: when it was last worked on, ISO 8601.
        problem: why it is damaged or no run.
    """

    path: str
    kind: str | None = None
    status: str = "no run"
    owner: str | None = None
    done: Natural | None = None
    total: Natural | None = None
    validation_accuracy: float | None = None
    test_accuracy: float | None = None
    connections: Natural | None = None
    connections_before: Natural | None = None
    parameters: Natural | None = None
    parent: str | None = None
    origin: str | None = None
    data: str | None = None
    seed: int | None = None
    rule: str | None = None
    created: str | None = None
    updated: str | None = None
    problem: str | None = None


class Runs(Document):
    """What `runs` prints.

    Attributes:
        kind: what it is.
        runs: the one that was worked on last comes first.
    """

    kind: Literal["runs"] = "runs"
    runs: tuple[RunRow, ...]
