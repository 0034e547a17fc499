"""`connprune retrain`."""

from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import options
from connprune.cli.output import Output
from connprune.cli.session import load_images, train_to_end


def retrain(
    cut: options.CutArgument = None,
    epochs: options.EpochsOption = None,
    seed: options.SeedOption = None,
    run: Annotated[Path | None, typer.Option("--run", metavar="DIR", help="Write the run to this directory.")] = None,
    runs: options.RunsOption = None,
    device: options.DeviceOption = "auto",
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train a cut architecture from scratch and compare it.

    Prints the path of the run. The network starts from fresh weights and has no gates; recipe, seed and data are its
    parent's.

      connprune retrain --json
    """
    from connprune.errors import UsageError
    from connprune.files import write_json
    from connprune.report.tables import comparison_table
    from connprune.runs.directory import RunDirectory
    from connprune.runs.find import find, new_path, runs_folder
    from connprune.training.comparison import compare
    from connprune.training.configuration import read_configuration, with_recipe
    from connprune.training.device import choose_device

    output = Output(as_json, quiet)
    folder = runs_folder(runs)
    source = find(cut, folder, "cut")
    if not source.cut.is_file():
        raise UsageError(f"{source.path}: this run is no cut; make one with `connprune prune {source.path}`.")
    architecture = source.architecture().without_gates()
    configuration = with_recipe(read_configuration(source), epochs=epochs, seed=seed)
    place = choose_device(device)
    images = load_images(configuration, output)
    directory = RunDirectory.create(
        run or new_path(folder, "retrain"), "retrain", configuration.to_yaml(architecture), architecture
    )
    train_to_end(directory, configuration, images, place, output)
    comparison = compare(source, directory)
    write_json(directory.comparison, comparison)
    output.note(comparison_table(comparison))
    output.result(str(directory.path), comparison)
