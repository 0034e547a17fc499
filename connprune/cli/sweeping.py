"""The steps of `connprune sweep`: its plan, its trainings and what follows them."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli.execution import ExecutionOptions
from connprune.cli.experiment import job_commands, run_experiment, show_commands
from connprune.cli.output import Output
from connprune.cli.then import Procedure, commands_to_follow, follow, require_possible
from connprune.errors import ConnpruneError, UnfinishedError, UsageError

if TYPE_CHECKING:
    from connprune.documents.plan import SweepPlan
    from connprune.documents.sweep import Sweep
    from connprune.experiments.plan import Plan
    from connprune.experiments.sweep import Sweep as WantedSweep


def read(file: Path, procedures: Sequence[Procedure]) -> "WantedSweep":
    """The sweep of a file.

    Raises:
        UsageError: the file is none, or what follows is not possible in one of its cells.
    """
    from connprune.experiments.sweep import read_sweep

    wanted = read_sweep(file)
    cells = {each.name: (each.architecture.gates, each.configuration) for each in wanted.candidates}
    require_possible(cells, procedures)
    return wanted


def show_plan(wanted: "WantedSweep", output: Output) -> None:
    """Says what a sweep would train."""
    from connprune.documents.lists import PlannedCell, PlannedSweep

    count, seeds = len(wanted.candidates), len(wanted.seeds)
    trainings = count * seeds
    cells_and_seeds = f"{count} cell{'s' * (count > 1)} with {seeds} seed{'s' * (seeds > 1)}"
    output.note(f"{cells_and_seeds}: {trainings} training{'s' * (trainings > 1)}")
    cells = tuple(PlannedCell(name=each.name, cell=wanted.cells[each.name]) for each in wanted.candidates)
    output.plan(PlannedSweep(trainings=trainings, seeds=wanted.seeds, cells=cells))


def begin(wanted: "WantedSweep", path: Path | None, folder: Path, execution: ExecutionOptions) -> "Plan[SweepPlan]":
    """The plan of a sweep, which is made unless it is there.

    Raises:
        UsageError: it is only to be collected, and not there.
    """
    from connprune.experiments import plan

    path = path or folder / f"sweep-{wanted.plan.identity}"
    if execution.only_collect and not path.exists():
        raise UsageError(f"{path}: there is no such sweep to collect.")
    return plan.begin(path, wanted.plan, wanted.candidates)


def begun(path: Path | None, folder: Path, procedures: Sequence[Procedure]) -> "Plan[SweepPlan]":
    """The plan of a sweep that is there; None is the newest.

    Raises:
        UsageError: there is none, or what follows is not possible in one of its cells.
    """
    from connprune.documents.plan import SweepPlan
    from connprune.experiments import plan
    from connprune.runs.find import find
    from connprune.training.configuration import read_configuration

    planned = plan.read(find(str(path) if path else None, folder, "sweep").path, SweepPlan)
    firsts = {name: planned.job(name, planned.seeds[0]) for name in planned.document.cells}
    cells = {name: (first.architecture().gates, read_configuration(first)) for name, first in firsts.items()}
    require_possible(cells, procedures)
    return planned


def list_commands(
    plan: "Plan[SweepPlan]", procedures: Sequence[Procedure], execution: ExecutionOptions, output: Output
) -> None:
    """Prints a command for each training that is left: of the sweep, and of what follows the cells that are done."""
    searches = job_commands(plan, execution)
    following = commands_to_follow(plan, procedures, execution, output)
    if procedures and searches:
        output.note("once the searches are done, the same command lists what follows them")
    show_commands(plan.path, [*searches, *following], output)


def results(
    plan: "Plan[SweepPlan]", procedures: Sequence[Procedure], execution: ExecutionOptions, output: Output
) -> "Sweep":
    """Executes a sweep and what follows; returns its document.

    Raises:
        ConnpruneError: trainings or comparisons failed or are missing.
        InterruptedRunError: a signal came; what was under way is saved.
    """
    from connprune.experiments.sweep_results import collect
    from connprune.report.sweep import sweep_text

    try:
        document = run_experiment(plan, execution, output, lambda: collect(plan), sweep_text, plan.run.sweep)
    except UnfinishedError:
        # A search that diverges does not hold up the cells without it.
        with suppress(ConnpruneError):
            follow(plan, procedures, execution, output)
        raise
    if procedures:
        document = document.model_copy(update={"then": follow(plan, procedures, execution, output)})
    return document
