"""`connprune train`."""

from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli import options
from connprune.cli.output import Output, Silenced
from connprune.cli.session import load_images, result_line, split_images, tell_classes, train_to_end

if TYPE_CHECKING:
    from connprune.runs.directory import RunDirectory


def train(
    preset: options.PresetOption = None,
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

    With --resume it resumes the run in --run, or the newest; where there is none yet, it begins one if --preset or
    --config say what to train, so one command serves a job that may be restarted.

      connprune train --preset digits --set gates.penalty=0.003 --epochs 50

    With --dry-run it prints the whole configuration, and with --explain where each value comes from.

      connprune train --config mine.yaml --dry-run --explain
    """
    from connprune.architecture.shapes import mac_count, parameter_count
    from connprune.documents.lists import PlannedTraining
    from connprune.errors import UsageError
    from connprune.files import require_empty
    from connprune.mistakes import Mark
    from connprune.runs.directory import RunDirectory
    from connprune.runs.find import new_path, runs_folder, stem_of
    from connprune.training.advice import advice
    from connprune.training.configuration import collect, design, resolve_resumed, validated
    from connprune.training.device import choose_device
    from connprune.training.group import in_turn, joined, launch, own_device
    from connprune.training.images import moved
    from connprune.training.layered import Setting
    from connprune.training.origins import explained, starting_sentence

    options.load_plugins(plugins)
    if explain and (resume or not dry_run):
        raise UsageError(
            "--explain goes with --dry-run, and not with --resume: it says where a new run's values are from."
        )
    options.prepare_cpu(threads)
    chosen = (
        ("--data", "data.source", data),
        ("--epochs", "training.epochs", epochs),
        ("--seed", "training.seed", seed),
    )
    settings = options.assigned(assignments)
    settings += [
        Setting(key, value, Mark(source=f"{option} {value}")) for option, key, value in chosen if value is not None
    ]
    values = (preset, config, settings)
    place = choose_device(own_device(device), Output(as_json, quiet).warning)
    folder = runs_folder(runs)
    with joined(place) as group:
        output = Output(as_json, quiet) if group.rank == 0 else Silenced()
        is_told = bool(preset or config)
        before = group.from_first(_to_go_on_with(run, folder, resume, is_told, output) if group.rank == 0 else None)
        if before:
            # --data is among the values; $CONNPRUNE_DATA says where the images are if it is not given.
            configuration = resolve_resumed(before, *values)
            configuration = configuration if data else moved(configuration, None)
            architecture = before.architecture()
        else:
            layered = collect(*values)
            configuration = validated(layered)
            architecture = design(configuration)
            output.note(starting_sentence(layered, preset, config))
            if run and group.rank == 0:
                require_empty(run)
            for sentence in advice(configuration, architecture):
                output.note(f"Note: {sentence}")
        text = configuration.to_yaml(architecture)
        if dry_run:
            told = explained(configuration, architecture, layered) if explain and not before else None
            planned = PlannedTraining(
                configuration=text,
                gated_connections=len(architecture.gated_connections),
                parameters=parameter_count(architecture),
                macs=mac_count(architecture),
                explained=told,
            )
            output.result((told or text).rstrip(), planned)
            return

        from connprune.training.events import require_tensorboard

        require_tensorboard(configuration.run.tensorboard)
        # One after the other, so that a cache is only made once.
        splits = split_images(configuration, in_turn(group, lambda: load_images(configuration, output)), output)
        if group.rank == 0 and not before:
            origin = preset or (stem_of(config) if config else "search")
            before = RunDirectory.create(
                run or new_path(folder, origin),
                "train",
                text,
                architecture,
                data_digest=splits.digest,
                origin=origin,
                launch=launch(),
            )
        directory = RunDirectory.open(group.from_first(before.path if before else Path()))
        summary = train_to_end(directory, configuration, splits, place, output, group)
    tell_classes(summary, configuration.data.source, output)
    output.note(result_line(summary))
    output.result(str(directory.path), summary.model_copy(update={"path": str(directory.path)}))


def _to_go_on_with(
    run: Path | None, folder: Path, resume: bool, is_told: bool, output: Output
) -> "RunDirectory | None":
    """The run to go on with: the user's choice, or what this launch began before torchrun started it anew.

    None is a new one; `is_told` says whether the command tells what that would train, else a mistyped path would.
    """
    from connprune.errors import UsageError
    from connprune.files import require_empty
    from connprune.runs.directory import RunDirectory
    from connprune.runs.find import directories, find, of_launch, run_paths
    from connprune.training.group import launch

    launched = of_launch([run] if run else directories(folder), launch())
    if launched or not resume:
        return launched
    is_new = not (RunDirectory(run).summary_file.is_file() if run else run_paths(folder))
    if is_new and is_told:
        if run:
            require_empty(run)
        output.note(f"there is nothing to go on with{f' in {run}' if run else ''} yet: a new training begins")
        return None
    directory = find(str(run) if run else None, folder, "train", warn=output.warning)
    if directory.kind != "train":
        raise UsageError(f"{directory.path}: this is no training that `connprune train` began, but a {directory.kind}.")
    return directory
