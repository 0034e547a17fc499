"""`connprune sweep`."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import options
from connprune.cli.execution import ExecutionOptions
from connprune.cli.experiment import job_commands, run_experiment, show_commands
from connprune.cli.output import Output
from connprune.cli.then import Procedure, commands_to_follow, follow, require_possible


def sweep(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The sweep's YAML; needed for a new one.")] = None,
    then: Annotated[
        list[str] | None,
        typer.Option(
            "--then",
            metavar="STEPS",
            help='Cut every search and compare the cuts: "prune OPTIONS / retrain --against NAME,…"; may be repeated.',
        ),
    ] = None,
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
    from connprune.documents.lists import PlannedCell, PlannedSweep
    from connprune.errors import ConnpruneError, UnfinishedError, UsageError
    from connprune.experiments.plan import begin, digest, read
    from connprune.experiments.sweep import read_sweep
    from connprune.experiments.sweep_results import collect
    from connprune.report.sweep import sweep_text
    from connprune.runs.find import find, runs_folder
    from connprune.training.configuration import read_configuration

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    if as_csv and as_json:
        raise UsageError("Give one of --csv and --json, found both.")
    execution = ExecutionOptions(jobs, on, device, threads, plugins or [], list_jobs, collect_only, data)
    execution.check()
    if figures and (list_jobs or dry_run):
        raise UsageError("--figures draws results, but --list and --dry-run train nothing; give one of them.")
    procedures = [Procedure.read(text) for text in then or ()]
    folder = runs_folder(runs)
    if file is None:
        if not (resume or collect_only):
            raise UsageError("Give the sweep's YAML file, or --resume or --collect for one that has begun.")
        if dry_run:
            raise UsageError("--dry-run goes with a sweep's file.")
        plan = read(find(str(run) if run else None, folder, "sweep").path, "sweep")
        firsts = {name: plan.job(name, plan.seeds[0]) for name in plan.about["cells"]}
        require_possible(
            {name: (first.architecture().gates, read_configuration(first)) for name, first in firsts.items()},
            procedures,
        )
    else:
        wanted = read_sweep(file)
        require_possible(
            {
                candidate.name: (candidate.architecture.gates, candidate.configuration)
                for candidate in wanted.candidates
            },
            procedures,
        )
        name = f"sweep-{digest(wanted.candidates, wanted.seeds)}"
        trainings = len(wanted.candidates) * len(wanted.seeds)
        if dry_run:
            output.note(f"{len(wanted.candidates)} cells with {len(wanted.seeds)} seeds: {trainings} trainings")
            cells = tuple(PlannedCell(name=each.name, cell=wanted.cells[each.name]) for each in wanted.candidates)
            output.plan(PlannedSweep(trainings=trainings, seeds=wanted.seeds, cells=cells))
            return
        path = run or folder / name
        if collect_only and not path.exists():
            raise UsageError(f"{path}: there is no such sweep to collect.")
        plan = begin(path, "sweep", wanted.candidates, wanted.seeds, {"cells": wanted.cells})
    if execution.only_list:
        left = job_commands(plan, execution)
        if procedures and not left:
            left = commands_to_follow(plan, procedures, execution, output)
        elif procedures:
            output.note("once these are done, the same command lists what follows")
        show_commands(plan.path, left, output)
        return
    try:
        found = run_experiment(plan, execution, output, collect, sweep_text, plan.run.sweep)
    except UnfinishedError:
        # A search that diverges does not hold up the cells without it.
        if not collect_only:
            with suppress(ConnpruneError):
                follow(plan, procedures, execution, output)
        raise
    if procedures:
        found = found.model_copy(update={"then": follow(plan, procedures, execution, output)})
    if figures:
        from connprune.report.figures import sweep_figures

        found = found.model_copy(update=output.drawn(sweep_figures(found, figures)))
    flat = [{**row.cell, **row.model_dump(mode="json", exclude={"cell", "runs"})} for row in found.rows]
    output.table(str(plan.path), flat, found, as_csv)
