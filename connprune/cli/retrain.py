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
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --run, or with the newest.")] = False,
    device: options.DeviceOption = "auto",
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train a cut architecture from scratch and compare it.

    Prints the path of the run. The network starts from fresh weights and has no gates; recipe, seed and data are its
    parent's. Another --seed changes the weights, the order and the augmentation, but not the validation images.

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
    from connprune.training.pruning import read_cut
    from connprune.training.run import split_data

    options.load_plugins(plugins)
    output = Output(as_json, quiet)
    folder = runs_folder(runs)
    if resume:
        if cut or epochs is not None or seed is not None:
            raise UsageError("--resume goes on with a run as it began; leave out the cut, --epochs and --seed.")
        directory = find(str(run) if run else None, folder, "retrain")
        if directory.kind != "retrain":
            raise UsageError(f"{directory.path}: this is no run of `connprune retrain`, but a {directory.kind}.")
        source = RunDirectory.open(Path(str(directory.summary.get("cut"))))
        configuration = read_configuration(directory)
    else:
        source = find(cut, folder, "cut")
        configuration = with_recipe(read_configuration(source), epochs=epochs, seed=seed)
    report = read_cut(source)
    place = choose_device(device)
    splits = split_data(configuration, load_images(configuration, output))
    if report.get("data_digest", splits.digest) != splits.digest:
        output.warning("the images have changed since the parent was trained, so the rows are not comparable")
    if not resume:
        architecture = source.architecture().without_gates()
        text = configuration.to_yaml(architecture)
        directory = RunDirectory.create(run or new_path(folder, "retrain"), "retrain", text, architecture)
        directory.summarise({"cut": str(source.path.resolve())})
    train_to_end(directory, configuration, splits, place, output)
    comparison = compare(source, report, directory)
    write_json(directory.comparison, comparison)
    output.note(comparison_table(comparison))
    output.result(str(directory.path), comparison)
