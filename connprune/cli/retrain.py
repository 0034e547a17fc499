"""`connprune retrain`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connprune.cli import completion, options
from connprune.cli.experiment import run_experiment
from connprune.cli.means import Means
from connprune.cli.output import Output
from connprune.cli.report import Report
from connprune.cli.session import load_images, split_images, tell_classes, train_to_end

if TYPE_CHECKING:
    from connprune.experiments.plan import Plan
    from connprune.runs.directory import RunDirectory


def retrain(
    cut: options.CutArgument = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="NAME,…",
            autocompletion=completion.rivals,
            help="Compare with parent, dense, chain, residual, finetune, random:N, random-params:N, all, evolution:N, "
            "or the path of another run or YAML.",
        ),
    ] = None,
    seeds: options.SeedsOption = None,
    epochs: options.EpochsOption = None,
    seed: options.SeedOption = None,
    jobs: options.JobsOption = None,
    on: options.OnOption = None,
    list_jobs: options.ListOption = False,
    collect_only: options.CollectOption = False,
    figures: options.FiguresOption = None,
    run: options.NewRunOption = None,
    runs: options.RunsOption = None,
    resume: options.ResumeOption = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    html: options.HtmlOption = None,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train a cut architecture from scratch and compare it.

    Prints the path of the run. The network starts from fresh weights and has no gates; recipe, seed and data are its
    parent's. Another --seed changes the weights, the order and the augmentation, but not the validation images.

      connprune retrain --json

    With --against or --seeds every network is trained with each seed, and one table says what differs and how surely.
    The same command goes on where an interrupted one was.

      connprune retrain --against parent,dense,chain,random:10 --seeds 5 --jobs 2
    """
    from connprune.errors import UsageError
    from connprune.experiments.plan import begin, digest, read
    from connprune.runs.find import find, runs_folder

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    if html and list_jobs:
        raise UsageError("--html shows what was trained, but --list trains nothing; give it to --collect afterwards.")
    report = Report(html, output)
    folder = runs_folder(runs)
    means = Means(jobs, on, device, threads, plugins or [], list_jobs, collect_only)
    means.check()
    if figures and list_jobs:
        raise UsageError("--figures draws results, but --list trains nothing; give one of them.")
    named = [name.strip() for text in against or () for name in text.split(",") if name.strip()]
    wanted = options.seed_numbers(seeds)
    is_plain = not (list_jobs or collect_only or on or jobs not in (None, 1))
    if resume or (collect_only and not (named or wanted)):
        if cut or named or wanted or epochs is not None or seed is not None:
            raise UsageError("--resume goes on with a run as it began; leave out what says how it shall be.")
        kinds = ("retrain", "comparison") if is_plain else ("comparison",)
        directory = find(str(run) if run else None, folder, *kinds)
        match directory.kind:
            case "comparison":
                _compare(read(directory.path, "comparison"), means, figures, report, output)
            case "retrain" if is_plain:
                _train(directory, device, figures, report, output)
            case "evolution" if is_plain:
                if figures:
                    raise UsageError(f"--figures: {directory.path} is a comparison's, which draws it.")
                _do(directory, device, report, output)
            case other:
                raise UsageError(f"{directory.path}: expected {' or '.join(kinds)}, found a {other}.")
        return
    source = find(cut, folder, "cut")
    if not (named or wanted):
        if not is_plain:
            raise UsageError("--jobs, --on, --list and --collect go with --against or --seeds.")
        _train(_begun(source, epochs, seed, run, folder), device, figures, report, output)
        return
    from connprune.experiments.contenders import Setting, members
    from connprune.training.pruning import read_cut

    rule = read_cut(source)["rule"]
    setting = Setting.of(source, epochs, seed)
    own = setting.configuration.training.seed
    entrants, numbers = members(setting, named), wanted(own) if wanted else [own]
    path = run or folder / f"compare-{digest(entrants, numbers)}"
    if collect_only and not path.exists():
        raise UsageError(f"{path}: there is no such comparison to collect.")
    about = {
        "cut": str(source.path.resolve()),
        "rule": rule,
        "against": named,
        "epochs": setting.configuration.training.epochs,
    }
    _compare(begin(path, "comparison", entrants, numbers, about), means, figures, report, output)


def _begun(
    source: "RunDirectory", epochs: int | None, seed: int | None, run: Path | None, folder: Path
) -> "RunDirectory":
    """A new run that trains a cut from scratch."""
    from connprune.runs.directory import RunDirectory
    from connprune.runs.find import new_path
    from connprune.training.configuration import read_configuration, with_recipe
    from connprune.training.pruning import read_cut

    read_cut(source)
    configuration = with_recipe(read_configuration(source), epochs=epochs, seed=seed)
    architecture = source.architecture().without_gates()
    text = configuration.to_yaml(architecture)
    directory = RunDirectory.create(run or new_path(folder, "retrain"), "retrain", text, architecture)
    directory.summarise({"cut": str(source.path.resolve())})
    return directory


def _train(directory: "RunDirectory", device: str, figures: Path | None, report: Report, output: Output) -> None:
    """Trains one run to its end, and sets it beside its cut unless it is a comparison's, which does that itself."""
    from connprune.errors import UsageError
    from connprune.files import write_json
    from connprune.report.tables import comparison_table
    from connprune.runs.directory import RunDirectory
    from connprune.training.comparison import compare
    from connprune.training.configuration import read_configuration
    from connprune.training.device import choose_device
    from connprune.training.pruning import read_cut

    cut = directory.summary.get("cut")
    source = RunDirectory.open(Path(str(cut))) if cut else None
    of_cut = read_cut(source) if source else None
    if figures and not of_cut:
        raise UsageError(f"--figures: {directory.path} is a comparison's, which draws it.")
    configuration = read_configuration(directory)
    place = choose_device(device)
    splits = split_images(configuration, load_images(configuration, output), output)
    if of_cut and of_cut.get("data_digest", splits.digest) != splits.digest:
        output.warning("the images have changed since the parent was trained, so the rows are not comparable")
    summary = train_to_end(directory, configuration, splits, place, output)
    tell_classes(summary, configuration.data.source, output)
    if source and of_cut:
        with directory.locked():
            directory.require_as_left(summary)
            comparison = compare(source, of_cut, directory)
            write_json(directory.comparison, comparison)
        output.note(comparison_table(comparison))
        _tell(directory.path, comparison, lambda document: report.of_retrained(document, directory), figures, output)
    else:
        document = {**summary, "run": str(directory.path)}
        _tell(directory.path, document, lambda document: report.of_retrained(document, directory), None, output)


def _do(directory: "RunDirectory", device: str, report: Report, output: Output) -> None:
    """Does one job of an experiment."""
    from connprune.experiments.work import SplitImages, do
    from connprune.signals import Stop
    from connprune.training.device import choose_device

    place = choose_device(device)
    with Stop() as stop, directory.locked():
        summary = do(directory, SplitImages(lambda found: load_images(found, output), place), place, stop)
    document = {**summary, "run": str(directory.path)}
    _tell(directory.path, document, lambda document: report.of_retrained(document, directory), None, output)


def _compare(plan: "Plan", means: Means, figures: Path | None, report: Report, output: Output) -> None:
    """Works a comparison off and says what came out."""
    from connprune.experiments.comparison import collect
    from connprune.report.comparison import comparison_text
    from connprune.training.device import choose_device
    from connprune.training.latency import latencies

    found = run_experiment(
        plan,
        means,
        output,
        lambda plan: collect(plan, lambda architectures: latencies(architectures, choose_device(means.device_here))),
        comparison_text,
        plan.run.comparison,
    )
    if found:
        _tell(plan.path, found, lambda document: report.of_comparison(document, plan), figures, output)


def _tell(
    path: Path,
    document: dict[str, Any],
    write_page: Callable[[dict[str, Any]], None],
    figures: Path | None,
    output: Output,
) -> None:
    """Shows what was trained in a page and in figures; says where it is even if they cannot be written."""
    try:
        write_page(document)
        if figures:
            from connprune.report.figures import comparison_figures

            document |= output.drawn(comparison_figures(document, figures))
    finally:
        output.result(str(path), document)
