"""What the commands that run experiments have in common."""

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from connprune.cli.execution import ExecutionOptions
from connprune.cli.output import Output
from connprune.cli.resuming import resume_command
from connprune.cli.session import load_images, warn_of_damaged
from connprune.signals import Stop

if TYPE_CHECKING:
    from connprune.documents.comparison import Comparison
    from connprune.documents.run import Trained
    from connprune.documents.sweep import Sweep
    from connprune.experiments.launch import Place
    from connprune.experiments.plan import Job, Plan

Results = TypeVar("Results", "Comparison", "Sweep")


def run_experiment(
    plan: "Plan",
    execution: ExecutionOptions,
    output: Output,
    collect: Callable[[], "Results"],
    text: Callable[["Results"], str],
    results: Path,
) -> "Results":
    """Executes an experiment, gathers it, shows its table and writes its document.

    Args:
        plan: the experiment.
        execution: how.
        output: where words go.
        collect: gives the document of what is finished.
        text: makes the table of it.
        results: where the document goes once all is finished.

    Returns:
        The document.

    Raises:
        UnfinishedError: trainings failed or are missing.
        InterruptedRunError: a signal came; what was under way is saved.
    """
    from connprune.errors import UnfinishedError
    from connprune.runs.links import write_document

    began, left = time.monotonic(), 0 if execution.only_collect else len(plan.unfinished)
    if not execution.only_collect:
        _execute(plan, execution, output)
    speed = _speed(left, time.monotonic() - began, execution)
    document = collect()
    output.note(f"{text(document)}{speed}")
    if document.unfinished:
        raise UnfinishedError(
            f"{plan.path}: {document.unfinished} of {len(plan.jobs)} trainings are not finished yet; "
            f"go on with `{resume_command(plan.run.resumable)}`."
        )
    plan.require_same()
    write_document(results, document)
    plan.note("finished")
    return document


def _speed(trainings: int, seconds: float, execution: ExecutionOptions) -> str:
    """How many trainings a minute, files and starting included, as a line below a table; empty where none was done."""
    if not trainings:
        return ""
    at_once = f", {execution.jobs} at once" if execution.jobs else ""
    return f"\n{trainings} trainings in {seconds:.1f} s{at_once}: {60 * trainings / seconds:.1f} a minute."


def show_commands(path: Path, commands: Sequence[str], output: Output) -> None:
    """Prints a command a line for the trainings of an experiment; nothing if none is left."""
    from connprune.documents.lists import Commands

    if commands or output.as_json:
        output.result("\n".join(commands), Commands(path=str(path), commands=tuple(commands)))


def _execute(plan: "Plan", execution: ExecutionOptions, output: Output) -> None:
    from connprune.errors import LostDeviceError, UnfinishedError
    from connprune.experiments.launch import Place, places_of_jobs
    from connprune.runs.clock import now
    from connprune.training.device import find_device

    find_device(execution.device_here)
    left = len(plan.unfinished)
    if left < len(plan.jobs):
        output.note(f"resuming {plan.path}: {len(plan.jobs) - left} of {len(plan.jobs)} trainings are done")
    if not left:
        return
    plan.note("running")
    with plan.run.status_on_error(plan.require_same):
        failed: dict[Path, str] = {}
        ends: list[str] = []
        if execution.on:
            failed = _execute_on_ray(plan, execution, output)
        elif execution.jobs in (None, 1):
            begun = now()
            try:
                failed = execute_here(plan, execution.device, output, execution.data)
            except LostDeviceError:
                # This process can go on with none of the others.
                ends = _execute_by_workers(plan, execution, [Place(execution.device)], begun)
        else:
            places = places_of_jobs(execution.device, min(execution.jobs, left))
            ends = _execute_by_workers(plan, execution, places, now())
        missing = plan.unfinished
        if missing:
            first = missing[0].run
            why = failed.get(first.path) or _why_unfinished(first.path, ends)
            raise UnfinishedError(
                f"{len(missing)} of {len(plan.jobs)} trainings are not finished; the first is {first.path}: {why} "
                "The same command goes on."
            )


def _execute_by_workers(plan: "Plan", execution: ExecutionOptions, places: "Sequence[Place]", since: str) -> list[str]:
    """Lets a process at each place do what is left; returns how those ended that did not by themselves."""
    from connprune.cli.work import worker_commands
    from connprune.experiments.launch import launch

    with Stop() as stop:
        ends = launch(
            worker_commands(plan.path, places, execution.threads, execution.plugins, execution.data, since), stop
        )
        if stop.number is not None:
            raise plan.interruption(stop.number)
    return ends


def _why_unfinished(path: Path, ends: Sequence[str]) -> str:
    """What is known of a training that is not finished and has not failed in this process."""
    from connprune.runs.lock import lock_owner

    has_it = lock_owner(path)
    if has_it:
        return f"{has_it} is training it."
    return f"{'; '.join(ends)}." if ends else "it failed in a worker, as said above, or was left by another process."


def execute_here(
    plan: "Plan",
    device: str,
    output: Output,
    data: str | None = None,
    since: str | None = None,
    at_once: int = 1,
) -> dict[Path, str]:
    """Does in this process every training that no other process does; returns why those that failed did."""
    from connprune.experiments.worker import work
    from connprune.training.device import choose_device

    chosen = choose_device(device, output.warning)
    with Stop() as stop:
        return work(
            plan,
            lambda wanted: load_images(wanted, output),
            chosen,
            stop,
            _reporter(plan, output),
            data,
            since,
            at_once,
        )


def _execute_on_ray(plan: "Plan", execution: ExecutionOptions, output: Output) -> dict[Path, str]:
    """Lets a Ray cluster do every training that is left; returns why those that failed did."""
    from connprune.errors import InterruptedRunError
    from connprune.experiments.ray_cluster import cluster
    from connprune.experiments.ray_tasks import Surroundings, work

    try:
        with cluster(execution.device, execution.jobs, execution.threads) as share, Stop() as stop:
            if not share.exists:
                output.warning(f"no machine of the Ray cluster has {share}; the trainings wait until one has")
            surroundings = Surroundings.here(execution.device, share.threads, execution.plugins, execution.data)
            return work(
                plan,
                share,
                surroundings,
                execution.jobs,
                stop,
                _reporter(plan, output),
                lambda images: warn_of_damaged(images, output),
            )
    except InterruptedRunError as interruption:
        raise plan.interruption(interruption.signal_number) from None


def _reporter(plan: "Plan", output: Output) -> "Callable[[int, Job, Trained | str], None]":
    """Says what became of each training."""
    total = len(plan.jobs)

    def report(number: int, job: "Job", outcome: "Trained | str") -> None:
        name = f"[{number}/{total}] {job.candidate} seed {job.seed}"
        if isinstance(outcome, str):
            output.warning(f"{name}: failed: {outcome}")
            return
        final = outcome.final
        output.note(
            f"{name}: validation {final.validation_accuracy:.2%}, test {final.test_accuracy:.2%}, "
            f"{outcome.training_seconds:.1f} s"
        )
        if outcome.all_gates_closed:
            # Whatever is compared with it looks good.
            output.warning(
                f"{name}: all {outcome.gated_connections} gates closed, so its accuracy says little; with more epochs, "
                "or a smaller gates.penalty, what is needed stays open"
            )

    return report


def job_commands(plan: "Plan", execution: ExecutionOptions) -> list[str]:
    """A command for each training that is left, which can run anywhere that sees the directory."""
    from connprune.data.settings import DataSettings
    from connprune.runs.directory import RunDirectory

    words = ["--quiet", "--device", execution.device]
    words += ["--threads", str(execution.threads)] if execution.threads else []
    words += ["--data", DataSettings(source=execution.data).located().source] if execution.data else []
    words += [word for name in execution.plugins for word in ("--plugin", name)]
    more = shlex.join(words)
    runs = [RunDirectory(job.run.path.resolve()) for job in plan.unfinished]
    return [f"{_program()} {resume_command(run.resumable).removeprefix('connprune ')} {more}" for run in runs]


def _program() -> str:
    """What starts this very program from any folder, whatever else is called the same there."""
    python = Path(sys.executable).absolute()
    script = python.with_name("connprune")
    return shlex.join([str(script)] if script.is_file() else [str(python), "-P", "-m", "connprune"])
