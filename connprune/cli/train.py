"""`connprune train`."""

from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output, Silenced
from connprune.cli.session import result_line, tell_classes
from connprune.cli.training import Wanted

FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="CUT",
        help="Search on in this cut; - reads its path from standard input.",
        rich_help_panel=options.CONFIGURATION,
        autocompletion=completion.runs,
    ),
]


def train(
    preset: options.PresetOption = None,
    source: FromOption = None,
    config: options.ConfigOption = None,
    assignments: options.SetOption = None,
    data: options.DataOption = None,
    epochs: options.EpochsOption = None,
    seed: options.SeedOption = None,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    run: options.NewRunOption = None,
    runs: options.RunsOption = None,
    resume: options.ResumeOption = False,
    dry_run: options.DryRunOption = False,
    explain: options.ExplainOption = False,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train gates and weights together.

    Prints the path of the run. Without --preset and --config it trains the preset `search`. Values on the command line
    win over the file's, and those over the preset's. A file with layers of its own starts from no preset, unless it
    names one.

    With --from it searches on in a cut: the weights and the gates are the cut's, and so are the configuration and the
    images, of which --set changes the recipe and the gates' settings. Then `prune` cuts what that leaves.

      connprune train --from runs/digits-cut --epochs 20

    With --resume it resumes the run in --run, or the newest; where there is none yet, it begins one if --preset or
    --config say what to train, so one command serves a job that may be restarted.

      connprune train --preset digits --set gates.penalty=0.003 --epochs 50

    With --dry-run it prints the whole configuration, and with --explain where each value comes from.

      connprune train --config mine.yaml --dry-run --explain
    """
    from connprune.runs.find import runs_folder
    from connprune.training.device import choose_device
    from connprune.training.group import joined, own_device

    options.load_plugins(plugins)
    _require_together(explain, resume, dry_run, source)
    options.prepare_cpu(threads)
    wanted = Wanted(preset, config, assignments or [], data, epochs, seed, run, runs_folder(runs), resume, source)
    chosen = choose_device(own_device(device), Output(as_json, quiet).warning)
    with joined(chosen) as group:
        output = Output(as_json, quiet) if group.rank == 0 else Silenced()
        training = wanted.training(group, output)
        if dry_run:
            output.result(*training.plan(explain))
            return
        directory, summary = training.train(chosen, group, output)
    tell_classes(summary, training.configuration.data.source, output)
    output.note(result_line(summary))
    output.result(str(directory.path), summary.model_copy(update={"path": str(directory.path)}))


def _require_together(explain: bool, resume: bool, dry_run: bool, source: str | None) -> None:
    """Refuses to explain what has no origins to tell."""
    from connprune.errors import UsageError

    if explain and (resume or not dry_run):
        raise UsageError(
            "--explain goes with --dry-run, and not with --resume: it says where a new run's values are from."
        )
    if explain and source is not None:
        raise UsageError("--explain says where a new configuration's values are from, but --from takes the cut's.")
