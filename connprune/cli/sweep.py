"""`connprune sweep`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from connprune.cli import options
from connprune.cli.experiment import job_commands, run_experiment
from connprune.cli.output import Output


def sweep(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The sweep's YAML; needed for a new one.")] = None,
    jobs: options.JobsOption = 1,
    list_jobs: options.ListOption = False,
    collect_only: options.CollectOption = False,
    figures: options.FiguresOption = None,
    run: Annotated[Path | None, typer.Option("--run", metavar="DIR", help="Write the sweep to this directory.")] = None,
    runs: options.RunsOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in --run, or the newest.")] = False,
    dry_run: options.DryRunOption = False,
    device: options.DeviceOption = "auto",
    plugins: options.PluginOption = None,
    as_csv: options.CsvOption = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train every combination of some settings, with every seed, and say what they do.

    The file names the axes and a base configuration. The same command goes on where an interrupted one was.

      connprune sweep initialisation.yaml --jobs 2
    """
    from connprune.architecture.base import SCHEMA
    from connprune.errors import ConnpruneError, UsageError
    from connprune.experiments.plan import begin, digest, read
    from connprune.experiments.sweep import read_sweep
    from connprune.experiments.sweep_results import collect
    from connprune.files import write_json
    from connprune.report.sweep import sweep_text
    from connprune.runs.find import find, runs_folder

    options.load_plugins(plugins)
    output = Output(as_json, quiet)
    if as_csv and as_json:
        raise UsageError("Give one of --csv and --json, found both.")
    folder = runs_folder(runs)
    if file is None:
        if not (resume or collect_only):
            raise UsageError("Give the sweep's YAML file, or --resume or --collect for one that has begun.")
        plan = read(find(str(run) if run else None, folder, "sweep").path)
    else:
        wanted = read_sweep(file)
        name = f"sweep-{digest(wanted.members, wanted.seeds)}"
        trainings = len(wanted.members) * len(wanted.seeds)
        if dry_run:
            output.note(f"{len(wanted.members)} cells with {len(wanted.seeds)} seeds: {trainings} trainings")
            cells = [{"name": member.name, **wanted.cells[member.name]} for member in wanted.members]
            output.plan({"schema": SCHEMA, "trainings": trainings, "seeds": list(wanted.seeds), "cells": cells})
            return
        plan = begin(run or folder / name, "sweep", wanted.members, wanted.seeds, {"cells": wanted.cells})
    if list_jobs:
        commands = job_commands(plan, plugins or [])
        document: dict[str, Any] = {"schema": SCHEMA, "path": str(plan.path), "commands": commands}
        if commands or as_json:
            output.result("\n".join(commands), document)
        return
    if not collect_only:
        run_experiment(plan, jobs, device, plugins or [], output)
    found = collect(plan)
    output.note(sweep_text(found))
    if figures:
        from connprune.report.figures import sweep_figure

        output.note(f"figures: {', '.join(map(str, sweep_figure(found, figures)))}")
    if found["unfinished"]:
        raise ConnpruneError(
            f"{plan.path}: {found['unfinished']} of {len(plan.jobs)} trainings are not finished yet; "
            f"go on with `{plan.run.resume_command}`."
        )
    write_json(plan.run.sweep, found)
    plan.run.summarise({"status": "finished"})
    if as_csv:
        flat = [
            {**row["cell"], **{key: row[key] for key in row if key not in ("cell", "runs")}} for row in found["rows"]
        ]
        output.table("", flat, found, as_csv)
    else:
        output.result(str(plan.path), found)
