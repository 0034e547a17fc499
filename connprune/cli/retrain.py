"""`connprune retrain`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connprune import builtin
from connprune.cli import completion, options
from connprune.cli.comparing import compare
from connprune.cli.execution import ExecutionOptions
from connprune.cli.experiment import job_commands, show_commands
from connprune.cli.output import Output
from connprune.cli.report import Report
from connprune.cli.retraining import Retraining, do_job, require_as_begun, train_alone
from connprune.cli.showing import show

if TYPE_CHECKING:
    from connprune.experiments.plan import Plan


def retrain(
    cuts: options.CutsArgument = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="NAME,…",
            autocompletion=completion.baselines,
            help=f"Compare with {', '.join(builtin.BASELINES)}, of which the scaled ones have the cut's parameters, or "
            "with :macs its MACs; or with the path of another run or YAML.",
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

    With --against or --seeds every network is trained with each seed, and one table gives the differences with their
    intervals. The same command resumes an interrupted comparison, with or without --resume. Otherwise --resume resumes
    the run in --run, or the newest; with CUT it begins one where there is none yet.

      connprune retrain --against parent,dense,chain,random:10 --seeds 5 --jobs 2

    With the cuts of several searches, each cut gets baselines of its own, and the interval is over the searches.

      connprune retrain runs/cut-1 runs/cut-2 runs/cut-3 --against random-cost:8,dense-scaled
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
    execution = ExecutionOptions(jobs, on, device, threads, plugins or [], list_jobs, collect_only, data)
    execution.check()
    if figures and list_jobs:
        raise UsageError("--figures draws results, but --list trains nothing; give one of them.")
    named = named_baselines(against)
    wanted = options.seed_numbers(seeds)
    is_plain = not (list_jobs or collect_only or on or jobs not in (None, 1))
    is_new = bool(run and cuts and not RunDirectory(run).summary_file.is_file())
    if cuts and len(cuts) > 1 and not named:
        raise UsageError("Several cuts are compared over their searches; name the baselines with --against.")
    if not (named or wanted) and ((resume and not is_new) or collect_only):
        kinds = ("retrain", "comparison") if is_plain else ("comparison",)
        directory = find(str(run) if run else None, folder, *kinds)
        require_as_begun(directory, cuts[0] if cuts else None, epochs, seed)
        match directory.kind:
            case "comparison":
                _compare(read(directory.path, "comparison"), execution, figures, report, output)
            case "retrain" if is_plain:
                train_alone(Retraining.of(directory, data, output), directory, device, figures, report, output)
            case "evolution" if is_plain:
                if figures:
                    raise UsageError(f"--figures: {directory.path} is a comparison's, which draws it.")
                do_job(directory, device, data, report, output)
            case other:
                raise UsageError(f"{directory.path}: expected {' or '.join(kinds)}, found a {other}.")
        return
    sources = [find(each, folder, "cut", warn=output.warning) for each in cuts or (None,)]
    if not (named or wanted):
        if not is_plain:
            raise UsageError("--jobs, --on, --list and --collect go with --against or --seeds.")
        (source,) = sources
        retraining = Retraining.new(source, epochs, seed, data, output)
        directory = retraining.begin(source, run or new_path(folder, f"{stem_of(source.path)}-retrain"))
        train_alone(retraining, directory, device, figures, report, output)
        return
    from connprune.experiments.searches import gather

    found = gather(sources, named, epochs, seed, output.warning)
    numbers = wanted(found.seed) if wanted else [found.seed]
    path = run or folder / f"compare-{digest(found.candidates, numbers, found.images)}"
    if collect_only and not path.exists():
        raise UsageError(f"{path}: there is no such comparison to collect.")
    plan = begin(path, "comparison", found.candidates, numbers, found.about, found.images)
    _compare(plan, execution, figures, report, output)


def named_baselines(against: Sequence[str] | None) -> tuple[str, ...]:
    """The names in --against, which may be repeated and has commas."""
    return tuple(name.strip() for text in against or () for name in text.split(",") if name.strip())


def _compare(plan: "Plan", execution: ExecutionOptions, figures: Path | None, report: Report, output: Output) -> None:
    """Executes a comparison and says what came out."""
    if execution.only_list:
        show_commands(plan.path, job_commands(plan, execution), output)
        return
    found = compare(plan, execution, output)
    show(found, lambda: report.of_comparison(found, plan), figures, output)
