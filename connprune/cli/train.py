"""`connprune train`."""

from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import options
from connprune.cli.output import Output
from connprune.cli.session import load_images, result_line, train_to_end


def train(
    preset: options.PresetOption = None,
    config: options.ConfigOption = None,
    assignments: options.SetOption = None,
    data: Annotated[
        str | None, typer.Option("--data", metavar="NAME|DIR", help="digits, cifar10, cifar100, or a folder of images.")
    ] = None,
    epochs: options.EpochsOption = None,
    seed: options.SeedOption = None,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    run: Annotated[Path | None, typer.Option("--run", metavar="DIR", help="Write the run to this directory.")] = None,
    runs: options.RunsOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --run, or with the newest.")] = False,
    dry_run: options.DryRunOption = False,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train gates and weights together.

    Prints the path of the run. Without --preset and --config it trains the preset `search`. Values on the command line
    win over the file's, and those over the preset's.

      connprune train --preset digits --set gates.penalty=0.003 --epochs 50
    """
    from connprune.architecture.base import SCHEMA
    from connprune.architecture.shapes import mac_count, parameter_count
    from connprune.errors import UsageError
    from connprune.files import require_empty
    from connprune.runs.directory import RunDirectory
    from connprune.runs.find import find, new_path, runs_folder
    from connprune.training.configuration import design, named, resolve, resolve_resumed
    from connprune.training.device import choose_device

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    chosen = {
        "data.source": (f"--data {data}", data),
        "training.epochs": (f"--epochs {epochs}", epochs),
        "training.seed": (f"--seed {seed}", seed),
    }
    values = (preset, config, assignments or [], named(chosen))
    if resume:
        directory = find(str(run) if run else None, runs_folder(runs), "train")
        if directory.kind != "train":
            raise UsageError(
                f"{directory.path}: this is no training that `connprune train` began, but a {directory.kind}."
            )
        configuration = resolve_resumed(directory, *values)
        architecture = directory.architecture()
    else:
        configuration = resolve(*values)
        architecture = design(configuration)
    text = configuration.to_yaml(architecture)
    place = choose_device(device)
    if run and not resume:
        require_empty(run)
    if dry_run:
        counts = {
            "gated_connections": len(architecture.gated_connections),
            "parameters": parameter_count(architecture),
            "macs": mac_count(architecture),
        }
        output.result(text.rstrip(), {"schema": SCHEMA, "configuration": text, **counts})
        return

    from connprune.training.run import split_data

    splits = split_data(configuration, load_images(configuration, output))
    if resume:
        directory.reconfigure(text)
    else:
        path = run or new_path(runs_folder(runs), preset or "train")
        directory = RunDirectory.create(path, "train", text, architecture)
    summary = train_to_end(directory, configuration, splits, place, output)
    output.note(result_line(summary))
    output.result(str(directory.path), {**summary, "run": str(directory.path)})
