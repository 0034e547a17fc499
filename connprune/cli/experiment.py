"""What the commands that run experiments have in common."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connprune.cli.output import Output
from connprune.cli.progress import Stop
from connprune.cli.session import load_images

if TYPE_CHECKING:
    from connprune.experiments.plan import Job, Plan


def run_experiment(plan: "Plan", jobs: int, device: str, plugins: list[str], output: Output) -> None:
    """Does all that is left of an experiment, in this process or in several others.

    Raises:
        InterruptedRunError: a signal came; what was under way is saved.
        ConnpruneError: trainings failed.
    """
    from connprune.errors import ConnpruneError, InterruptedRunError
    from connprune.experiments.launch import devices_of_jobs, launch, worker_commands

    left = len(plan.unfinished)
    done = len(plan.jobs) - left
    if done:
        output.note(f"going on with {plan.path}: {done} of {len(plan.jobs)} trainings are done")
    if not left:
        return
    if jobs == 1:
        failed = work_off(plan, device, output)
    else:
        with Stop() as stop:
            launch(worker_commands(plan.path, devices_of_jobs(device, min(jobs, left)), plugins), stop)
            if stop.number is not None:
                raise InterruptedRunError(
                    "Interrupted; what was under way is saved. Run it again to go on.", stop.number
                )
        failed = {}
    missing = plan.unfinished
    if missing:
        first = missing[0].run
        why = failed.get(first.path, f"see `{first.resume_command}`")
        raise ConnpruneError(
            f"{len(missing)} of {len(plan.jobs)} trainings are not finished; the first is {first.path}: {why} "
            "Run it again to go on."
        )


def work_off(plan: "Plan", device: str, output: Output) -> dict[Path, str]:
    """Does in this process every training that no other process does; returns why those that failed did."""
    from connprune.experiments.work import work
    from connprune.training.device import choose_device

    total = len(plan.jobs)

    def report(number: int, job: "Job", summary: dict[str, Any]) -> None:
        final = summary["final"]
        output.note(
            f"[{number}/{total}] {job.member} seed {job.seed}: validation {final['validation_accuracy']:.2%}, "
            f"test {final['test_accuracy']:.2%}, {summary['training_seconds']:.1f} s"
        )

    with Stop() as stop:
        return work(plan, lambda found: load_images(found, output), choose_device(device), stop, report)


def job_commands(plan: "Plan", plugins: list[str]) -> list[str]:
    """A command for each training that is left, which can run anywhere that sees the directory."""
    from connprune.runs.directory import RunDirectory

    more = "".join(f" --plugin {shlex.quote(name)}" for name in plugins)
    return [f"{RunDirectory(job.run.path.resolve()).resume_command} --quiet{more}" for job in plan.unfinished]
