"""Trainings: a new one, one that was interrupted, and one that is there."""

from pathlib import Path

from connprune.arguments import require
from connprune.errors import UsageError
from connprune.files import require_empty
from connprune.interface.running import Progress, Watch, load_images, stopping, warn
from connprune.interface.runs import PrunedRun, Run
from connprune.runs.directory import RunDirectory
from connprune.runs.find import new_path, runs_folder
from connprune.training.configuration import Configuration, design, read_configuration
from connprune.training.device import choose_device
from connprune.training.events import require_available
from connprune.training.images import moved
from connprune.training.run import split_data, train_run


def train(
    configuration: Configuration,
    *,
    path: str | Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Run:
    """Trains gates and weights together, as `connprune train` does.

    Args:
        configuration: what `connprune.config` gave.
        path: a new directory for the run; None is one in the runs folder, $CONNPRUNE_RUNS or `./runs`.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        progress: is told the results of each epoch.

    Raises:
        UsageError: the configuration does not suit the images, or an argument does not.
        DivergedError: the loss was no finite number.
        InterruptedRunError: a signal came; the checkpoint is saved, and `connprune.resume` goes on.
    """
    require("configuration", configuration, Configuration, "what connprune.config gave")
    if path is not None:
        require_empty(Path(path))
    require_available(configuration.run)
    architecture, chosen = design(configuration), choose_device(device, warn)
    splits = split_data(configuration, load_images(configuration))
    run = RunDirectory.create(
        Path(path) if path else new_path(runs_folder(None), "python"),
        "train",
        configuration.to_yaml(architecture),
        architecture,
        data_digest=splits.digest,
        origin="python",
    )
    with stopping() as stop:
        train_run(run, configuration, splits, chosen, Watch(progress), stop)
    return Run(run.path)


def resume(path: str | Path, *, device: str = "auto", progress: Progress | None = None) -> Run:
    """Resumes a training that was interrupted; one that has ended is left as it is.

    Args:
        path: its directory.
        device: as `train` takes it.
        progress: is told the results of each epoch from here on.

    Raises:
        UsageError: there is no training in this directory, or its images are others now.
    """
    run = RunDirectory.open(Path(path))
    if run.kind != "train":
        raise UsageError(f"{run.path}: this is no training, but a {run.kind}.")
    configuration = moved(read_configuration(run), None)
    splits = split_data(configuration, load_images(configuration))
    with stopping() as stop:
        train_run(run, configuration, splits, choose_device(device, warn), Watch(progress), stop)
    return Run(run.path)


def open_run(path: str | Path) -> Run:
    """The run in a directory, a `PrunedRun` where that is a cut.

    Raises:
        UsageError: there is none.
    """
    return (PrunedRun if RunDirectory.open(Path(path)).cut.is_file() else Run)(path)
