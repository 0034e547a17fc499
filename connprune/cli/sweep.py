"""`connprune sweep`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connprune.cli import options, sweeping
from connprune.cli.execution import ExecutionOptions
from connprune.cli.output import Output
from connprune.cli.then import Procedure

if TYPE_CHECKING:
    from connprune.documents.sweep import Sweep

FileArgument = Annotated[Path | None, typer.Argument(metavar="FILE", help="The sweep's YAML; needed for a new one.")]
ThenOption = Annotated[
    list[str] | None,
    typer.Option(
        "--then",
        metavar="STEPS",
        help='Cut every search and compare the cuts: "prune OPTIONS / retrain --against NAME,…"; may be repeated.',
    ),
]


def sweep(
    file: FileArgument = None,
    then: ThenOption = None,
    jobs: options.JobsOption = None,
    on: options.OnOption = None,
    list_jobs: options.ListOption = False,
    collect_only: options.CollectOption = False,
    figures: options.FiguresOption = None,
    data: options.PlaceOption = None,
    run: options.NewRunOption = None,
    runs: options.RunsOption = None,
    resume: options.ResumeOption = False,
    dry_run: options.DryRunOption = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    plugins: options.PluginOption = None,
    as_csv: options.CsvOption = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train every combination of some settings with every seed, and compare them.

    The file names the axes and a base configuration. The same command resumes an interrupted sweep.

      connprune sweep initialisation.yaml --jobs 2

    With --then each search is cut, and the cuts of a cell are compared with baselines of their own cost; the interval
    is over the searches, that is, over the sweep's seeds.

      connprune sweep penalties.yaml --then "prune --max-macs 50% / retrain --against random-cost:8"
    """
    from connprune.errors import UsageError
    from connprune.runs.find import runs_folder

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    options.require_one_format(as_csv, as_json)
    execution = ExecutionOptions(jobs, on, device, threads, plugins or [], list_jobs, collect_only, data)
    execution.check()
    if figures and (list_jobs or dry_run):
        raise UsageError("--figures draws results, but --list and --dry-run train nothing; give one of them.")
    procedures = [Procedure.read(text) for text in then or ()]
    if file is None:
        _require_begun(resume or collect_only, dry_run)
        plan = sweeping.begun(run, runs_folder(runs), procedures)
    else:
        wanted = sweeping.read(file, procedures)
        if dry_run:
            sweeping.show_plan(wanted, output)
            return
        plan = sweeping.begin(wanted, run, runs_folder(runs), execution)
    if list_jobs:
        sweeping.list_commands(plan, procedures, execution, output)
        return
    _show(sweeping.results(plan, procedures, execution, output), plan.path, figures, as_csv, output)


def _require_begun(is_told: bool, dry_run: bool) -> None:
    """Refuses a command without a file that does not say that it resumes a sweep."""
    from connprune.errors import UsageError

    if not is_told:
        raise UsageError("Give the sweep's YAML file, or --resume or --collect for one that has begun.")
    if dry_run:
        raise UsageError("--dry-run goes with a sweep's file.")


def _show(document: "Sweep", path: Path, figures: Path | None, as_csv: bool, output: Output) -> None:
    """Draws what is asked for, and shows the sweep."""
    if figures:
        from connprune.report.figures import sweep_figures

        document = document.model_copy(update=output.drawn(sweep_figures(document, figures)))
    flat = [{**row.cell, **row.model_dump(mode="json", exclude={"cell", "runs"})} for row in document.rows]
    output.table(str(path), flat, document, as_csv)
