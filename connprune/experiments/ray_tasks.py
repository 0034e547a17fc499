"""An experiment executed by a Ray cluster, which may be many machines: a task for each training.

Ray says where a task runs, and runs it again when its worker dies. What there is to do, and how far it is, stands in
the run directories alone, which all machines see.
"""

import os
import signal
import socket
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from connprune.data.images import Dataset
from connprune.data.progress import StopSignal, stoppable, without_progress
from connprune.data.sources import load
from connprune.documents.run import Trained
from connprune.errors import ConnpruneError, InterruptedRunError
from connprune.experiments.ends import last_words
from connprune.experiments.plan import Job, Plan
from connprune.experiments.ray_cluster import RETRIES, Share, in_one_line
from connprune.experiments.worker import SplitImages, run_job
from connprune.plugins import load_plugins
from connprune.runs.directory import RunDirectory
from connprune.signals import Stop
from connprune.training.configuration import Configuration
from connprune.training.device import choose_device
from connprune.training.images import VARIABLE
from connprune.training.memory import keep_freed_memory

if TYPE_CHECKING:
    from ray import ObjectRef

_GLANCE_SECONDS = 0.2


@dataclass(frozen=True)
class Surroundings:
    """What a task takes over from the command that it belongs to.

    Attributes:
        device: `auto`, `cpu`, `cuda` or `mps`; of GPUs a task sees the one that Ray gave it.
        threads: CPU threads.
        plugins: modules to import.
        folder: where the command runs; plugins may be there.
        cache: $CONNPRUNE_CACHE, if it is set.
        images: $CONNPRUNE_DATA, if it is set; it says where folders of images are, and leaves data sets alone.
        data: where the images are now; None is by that variable, or where they were.
    """

    device: str
    threads: int
    plugins: tuple[str, ...]
    folder: Path
    cache: str | None
    images: str | None
    data: str | None = None

    @classmethod
    def here(cls, device: str, threads: int, plugins: Sequence[str], data: str | None) -> "Surroundings":
        """Those of this process."""
        cache, images = os.environ.get("CONNPRUNE_CACHE"), os.environ.get(VARIABLE)
        return cls(device, threads, tuple(plugins), Path.cwd(), cache, images, data)


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        result: the summary of its training; or why it failed; or None if it was stopped or had nothing to do.
        damaged: images that were left out.
    """

    result: Trained | str | None
    damaged: tuple[str, ...] = ()


def work(
    plan: Plan,
    share: Share,
    surroundings: Surroundings,
    at_once: int | None,
    stop: StopSignal,
    report: Callable[[int, Job, Trained | str], None],
    warn_of_damaged: Callable[[Sequence[str]], None],
) -> dict[Path, str]:
    """Lets the cluster do every training that is neither finished nor under way elsewhere.

    Args:
        plan: the experiment.
        share: what each training asks the cluster for.
        surroundings: what each takes over from this process.
        at_once: how many may run at once; None is as many as there is room for.
        stop: asks to stop; then the trainings under way are saved.
        report: is told the number of a job, the job, and its summary when it is done, or why it failed.
        warn_of_damaged: is told of images that were left out.

    Returns:
        For each training that failed, why.

    Raises:
        InterruptedRunError: it was asked to stop.
    """
    import ray

    task = task_of(train, share)
    waiting = deque((number, job) for number, job in enumerate(plan.jobs, 1) if not job.is_finished)
    running: dict[ObjectRef[Outcome], tuple[int, Job]] = {}
    failed: dict[Path, str] = {}
    known: set[tuple[str, ...]] = {()}
    while waiting or running:
        while waiting and (at_once is None or len(running) < at_once):
            number, job = waiting.popleft()
            running[task.remote(job.run.path.resolve(), surroundings)] = number, job
        ready, _ = ray.wait(list(running), timeout=_GLANCE_SECONDS)
        if stop.number is not None:
            for reference in running:
                ray.cancel(reference)
            ray.wait(list(running), num_returns=len(running))
            raise plan.interruption(stop.number)
        for reference in ready:
            number, job = running.pop(reference)
            outcome = _outcome(reference, share.logs)
            if outcome.damaged not in known:
                known.add(outcome.damaged)
                warn_of_damaged(outcome.damaged)
            if outcome.result is not None:
                report(number, job, outcome.result)
            if isinstance(outcome.result, str):
                failed[job.run.path] = outcome.result
    return failed


def task_of(function: Callable[..., Any], share: Share) -> Any:
    """The function as a task of the cluster that gets its share, and runs again RETRIES times if its worker dies.

    Ray gives GPUs to a task by its worker's environment, which torch reads once: with GPUs each gets a new worker.
    """
    import ray

    return ray.remote(num_cpus=share.threads, num_gpus=share.gpus, max_retries=RETRIES, max_calls=int(share.gpus > 0))(
        function
    )


def _outcome(reference: "ObjectRef[Outcome]", logs: Path | None) -> Outcome:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return Outcome(f"{type(error.cause).__name__}: {in_one_line(error.cause)}")
    except ray.exceptions.WorkerCrashedError:
        said = last_words(list(logs.glob("worker-*.err"))) if logs else None
        known = f"the last one's words: {said}" if said else "none left a word, as when memory runs out"
        return Outcome(f"its worker died {RETRIES + 1} times; {known}.")
    except ray.exceptions.RayError as error:
        return Outcome(f"{type(error).__name__}: {in_one_line(error)}")


def train(path: Path, surroundings: Surroundings) -> Outcome:
    """What a task does, in a worker's process: one training, from its start or from where it was interrupted.

    Ray cancels a task by an interrupt in its process, and ends a worker whose machine goes down by SIGTERM. Either way
    the checkpoint is saved first.
    """
    if not path.is_dir():
        return Outcome(
            f"the machine {socket.gethostname()} does not see {path}; an experiment must lie on a file system that all "
            "machines of the cluster share."
        )
    damaged: list[str] = []

    def images(configuration: Configuration) -> Dataset:
        dataset = load(configuration.data, stoppable(without_progress, stop))
        damaged.extend(dataset.damaged)
        return dataset

    try:
        with Stop() as stop:
            device = _settle(surroundings)
            result = run_job(RunDirectory(path), SplitImages(images, device, surroundings.data), device, stop)
    except InterruptedRunError as interruption:
        if interruption.signal_number != signal.SIGINT:
            # The user did not ask for it. Ray runs a task that gives no answer again, on a machine that is there.
            os._exit(1)
        return Outcome(None)
    except ConnpruneError as error:
        return Outcome(str(error))
    return Outcome(result, tuple(damaged))


def _settle(surroundings: Surroundings) -> torch.device:
    """Makes a worker's process like the command's own; gives the device to compute on."""
    if surroundings.cache:
        os.environ["CONNPRUNE_CACHE"] = surroundings.cache
    if surroundings.images:
        os.environ[VARIABLE] = surroundings.images
    if surroundings.folder.is_dir():
        os.chdir(surroundings.folder)
    load_plugins(surroundings.plugins)
    keep_freed_memory()
    torch.set_num_threads(surroundings.threads)
    return choose_device(surroundings.device, warnings.warn)
