"""`connprune retrain`."""

from collections.abc import Callable
from dataclasses import dataclass
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
    from connprune.data.splits import Splits
    from connprune.experiments.plan import Plan
    from connprune.runs.directory import RunDirectory
    from connprune.training.configuration import Configuration


def retrain(
    cut: options.CutArgument = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="NAME,…",
            autocompletion=completion.rivals,
            help="Compare with parent, dense, chain, residual, finetune, random:N, random-params:N, random-cost:N, "
            "all, evolution:N; dense-scaled, chain-scaled, residual-scaled, of the cut's parameters or with :macs of "
            "its MACs; or the path of another run or YAML.",
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
    data: options.PlaceOption = None,
    run: options.NewRunOption = None,
    runs: options.RunsOption = None,
    resume: options.ResumeOption = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    html: options.HtmlOption = None,
    redact: options.RedactOption = False,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train a cut architecture from scratch and compare it.

    Prints the path of the run. The network starts from fresh weights and has no gates; recipe, seed and data are its
    parent's. Another --seed changes the weights, the order and the augmentation, but not the validation images.

      connprune retrain --json

    With --against or --seeds every network is trained with each seed, and one table says what differs and how surely.
    The same command goes on where an interrupted one was, with --resume or without. Otherwise --resume goes on with the
    run in --run, or with the newest; with CUT it begins a run that is not there yet.

      connprune retrain --against parent,dense,chain,random:10 --seeds 5 --jobs 2
    """
    from connprune.errors import UsageError
    from connprune.experiments.plan import begin, digest, read
    from connprune.runs.directory import RunDirectory
    from connprune.runs.find import find, new_path, runs_folder, stem_of

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    if html and list_jobs:
        raise UsageError("--html shows what was trained, but --list trains nothing; give it to --collect afterwards.")
    report = Report(html, output, data, redact)
    folder = runs_folder(runs)
    means = Means(jobs, on, device, threads, plugins or [], list_jobs, collect_only, data)
    means.check()
    if figures and list_jobs:
        raise UsageError("--figures draws results, but --list trains nothing; give one of them.")
    named = [name.strip() for text in against or () for name in text.split(",") if name.strip()]
    wanted = options.seed_numbers(seeds)
    is_plain = not (list_jobs or collect_only or on or jobs not in (None, 1))
    is_new = bool(run and cut and not RunDirectory(run).summary_file.is_file())
    if not (named or wanted) and ((resume and not is_new) or collect_only):
        kinds = ("retrain", "comparison") if is_plain else ("comparison",)
        directory = find(str(run) if run else None, folder, *kinds)
        _require_as_begun(directory, cut, epochs, seed)
        match directory.kind:
            case "comparison":
                _compare(read(directory.path, "comparison"), means, figures, report, output)
            case "retrain" if is_plain:
                _train(_Retraining.of(directory, data, output), directory, device, figures, report, output)
            case "evolution" if is_plain:
                if figures:
                    raise UsageError(f"--figures: {directory.path} is a comparison's, which draws it.")
                _do(directory, device, data, report, output)
            case other:
                raise UsageError(f"{directory.path}: expected {' or '.join(kinds)}, found a {other}.")
        return
    source = find(cut, folder, "cut", warn=output.warning)
    if not (named or wanted):
        if not is_plain:
            raise UsageError("--jobs, --on, --list and --collect go with --against or --seeds.")
        retraining = _Retraining.new(source, epochs, seed, data, output)
        directory = retraining.begin(source, run or new_path(folder, f"{stem_of(source.path)}-retrain"))
        _train(retraining, directory, device, figures, report, output)
        return
    from connprune.experiments.contenders import Setting, members
    from connprune.runs.cut import read_cut

    rule = read_cut(source)["rule"]
    setting = Setting.of(source, epochs, seed)
    own = setting.configuration.training.seed
    entrants, numbers = members(setting, named, output.warning), wanted(own) if wanted else [own]
    images = source.summary.get("data_digest")
    path = run or folder / f"compare-{digest(entrants, numbers, images)}"
    if collect_only and not path.exists():
        raise UsageError(f"{path}: there is no such comparison to collect.")
    about = {
        "cut": str(source.path.resolve()),
        "rule": rule,
        "against": named,
        "epochs": setting.configuration.training.epochs,
    }
    _compare(begin(path, "comparison", entrants, numbers, about, images), means, figures, report, output)


def _require_as_begun(directory: "RunDirectory", cut: str | None, epochs: int | None, seed: int | None) -> None:
    """Refuses to go on with a run that was begun otherwise than the command says."""
    from connprune.errors import UsageError
    from connprune.training.configuration import read_configuration

    if cut is None and epochs is None and seed is None:
        return
    if directory.kind != "retrain":
        raise UsageError(f"--resume goes on with {directory.path} as it began; leave out CUT, --epochs and --seed.")
    recipe = read_configuration(directory).training
    parent = directory.summary.get("cut")
    differs = [
        f"{name} (was {was}, now {now})"
        for name, was, now in (
            ("CUT", parent, str(Path(cut).resolve()) if cut else None),
            ("--epochs", recipe.epochs, epochs),
            ("--seed", recipe.seed, seed),
        )
        if now not in (None, was)
    ]
    if differs:
        raise UsageError(f"--resume goes on with {directory.path} as it began, but this differs: {', '.join(differs)}.")


@dataclass(frozen=True)
class _Retraining:
    """What a cut is trained with.

    Attributes:
        cut: the cut; None of a training that belongs to a comparison.
        configuration: recipe and data.
        splits: the images.
    """

    cut: "RunDirectory | None"
    configuration: "Configuration"
    splits: "Splits"

    @classmethod
    def new(
        cls, cut: "RunDirectory", epochs: int | None, seed: int | None, data: str | None, output: Output
    ) -> "_Retraining":
        """Loads what a new run takes, before it is made."""
        from connprune.training.configuration import read_configuration, with_recipe

        return cls._loaded(cut, cut, with_recipe(read_configuration(cut), epochs=epochs, seed=seed), data, output)

    @classmethod
    def of(cls, run: "RunDirectory", data: str | None, output: Output) -> "_Retraining":
        """Loads what a run that is there takes.

        Raises:
            UsageError: the cut that it names is not there, or is not the one that it was begun with.
        """
        from connprune.errors import UsageError
        from connprune.runs.directory import RunDirectory
        from connprune.training.configuration import read_configuration

        named = run.summary.get("cut")
        cut = RunDirectory.open(Path(str(named))) if named else None
        if cut and run.summary.get("cut_digest") not in (None, cut.digest()):
            raise UsageError(
                f"{run.path}: {cut.path} is another cut than the one that it was begun with; put that one there again, "
                "or start a new run."
            )
        return cls._loaded(run, cut, read_configuration(run), data, output)

    @classmethod
    def _loaded(
        cls,
        run: "RunDirectory",
        cut: "RunDirectory | None",
        before: "Configuration",
        data: str | None,
        output: Output,
    ) -> "_Retraining":
        from connprune.runs.cut import read_cut
        from connprune.training.images import moved, require_same_images

        of_cut = read_cut(cut) if cut else {}
        configuration = moved(before, data)
        splits = split_images(configuration, load_images(configuration, output), output)
        known = run.summary.get("data_digest") or of_cut.get("data_digest")
        if configuration.data.source != before.data.source:
            require_same_images(run, configuration, known, splits.digest)
        elif of_cut.get("data_digest", splits.digest) != splits.digest:
            output.warning("the images have changed since the parent was trained, so the rows are not comparable")
        return cls(cut, configuration, splits)

    def begin(self, cut: "RunDirectory", path: Path) -> "RunDirectory":
        """A new run that trains the cut from scratch."""
        from connprune.runs.directory import RunDirectory

        architecture = cut.architecture().without_gates()
        notes = {
            "cut": str(cut.path.resolve()),
            "cut_digest": cut.digest(),
            "data_digest": self.splits.digest,
            "origin": cut.summary.get("origin"),
        }
        text = self.configuration.to_yaml(architecture)
        return RunDirectory.create(path, "retrain", text, architecture, notes=notes)


def _train(
    retraining: _Retraining,
    directory: "RunDirectory",
    device: str,
    figures: Path | None,
    report: Report,
    output: Output,
) -> None:
    """Trains one run to its end, and sets it beside its cut unless it is a comparison's, which does that itself."""
    from connprune.errors import UsageError
    from connprune.files import write_json
    from connprune.report.tables import comparison_table
    from connprune.runs.cut import read_cut
    from connprune.runs.links import stored
    from connprune.training.comparison import compare
    from connprune.training.device import choose_device

    source = retraining.cut
    if figures and not source:
        raise UsageError(f"--figures: {directory.path} is a comparison's, which draws it.")
    place = choose_device(device)
    summary = train_to_end(directory, retraining.configuration, retraining.splits, place, output)
    tell_classes(summary, retraining.configuration.data.source, output)
    if source:
        with directory.locked():
            directory.require_as_left(summary)
            comparison = compare(source, read_cut(source), directory)
            write_json(directory.comparison, stored(comparison, directory.path, "run", "cut", "parent"))
        output.note(comparison_table(comparison))
        _tell(directory.path, comparison, lambda document: report.of_retrained(document, directory), figures, output)
    else:
        document = {**summary, "run": str(directory.path)}
        _tell(directory.path, document, lambda document: report.of_retrained(document, directory), None, output)


def _do(directory: "RunDirectory", device: str, data: str | None, report: Report, output: Output) -> None:
    """Does one job of an experiment."""
    from connprune.experiments.work import SplitImages, do
    from connprune.signals import Stop
    from connprune.training.device import choose_device

    place = choose_device(device)
    with Stop() as stop, directory.locked():
        summary = do(directory, SplitImages(lambda found: load_images(found, output), place, data), place, stop)
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
