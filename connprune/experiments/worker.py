"""Executing an experiment: any number of processes do this at once, and each training is done by one of them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import torch

from connprune.data.images import Dataset
from connprune.data.progress import StopSignal
from connprune.data.splits import Splits
from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Trained
from connprune.errors import ConnpruneError, InterruptedRunError, LostDeviceError, RunLockedError, UsageError
from connprune.experiments.evolution import evolve
from connprune.experiments.plan import PLAN, Job, Plan
from connprune.experiments.side_by_side import side_by_side
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.images import moved, require_same_images
from connprune.training.lost_device import explained_loss
from connprune.training.run import split_data, train_in_turns
from connprune.training.turns import Turns, finished

Load = Callable[[Configuration], Dataset]
# Of a job: its summary; or why it failed; or that it cannot go on in this process; or None if there was nothing to do.
Outcome = Trained | str | LostDeviceError | None


class Silent:
    """Watches a training and says nothing."""

    def begin(self, epochs: int, steps: int, done: int) -> None: ...

    def after_step(self) -> None: ...

    def after_epoch(self, epoch: EpochMetrics) -> None: ...

    def warning(self, text: str) -> None: ...


class SplitImages:
    """The images of configurations, each loaded and split once.

    Args:
        load: loads the images of a configuration.
        device: of the images.
        data: where they are now; None is where the configurations say, or $CONNPRUNE_DATA.
    """

    def __init__(self, load: Load, device: torch.device, data: str | None = None) -> None:
        self._load = load
        self._device = device
        self._data = data
        self._splits: dict[str, Splits] = {}

    def configuration(self, run: RunDirectory) -> Configuration:
        """A run's configuration, with its images where they are now."""
        return moved(read_configuration(run), self._data)

    def __call__(self, configuration: Configuration) -> Splits:
        key = configuration.data.model_dump_json()
        if key not in self._splits:
            self._splits[key] = split_data(configuration, self._load(configuration)).to(self._device)
            if self._device.type == "cuda":
                # Trainings on other streams read them, too.
                torch.cuda.current_stream(self._device).synchronize()
        return self._splits[key]


def work(
    plan: Plan,
    load: Load,
    device: torch.device,
    stop: StopSignal,
    report: Callable[[int, Job, Trained | str], None],
    data: str | None = None,
    since: str | None = None,
    at_once: int = 1,
) -> dict[Path, str]:
    """Does every training that is neither finished nor under way in another process.

    Args:
        plan: the experiment.
        load: loads the images of a configuration.
        device: where to train.
        stop: asks to stop; then the training under way is saved.
        report: is told the number of a job, the job, and its summary when it is done here, or why it failed.
        data: where the images are now, as for `SplitImages`.
        since: what has failed from this moment on, ISO 8601, in whatever process, is not tried again.
        at_once: how many trainings take turns in this process.

    Returns:
        For each training that failed, why.

    Raises:
        InterruptedRunError: it was asked to stop.
        LostDeviceError: the device failed in a training, which was reported; another process can go on. Of several at
            once it is not known in which one: all of them are interrupted.
    """
    splits = SplitImages(load, device, data)
    failed: dict[Path, str] = {}

    def left() -> Iterator[tuple[tuple[int, Job], Turns[Outcome]]]:
        for number, job in enumerate(plan.jobs, 1):
            if job.is_finished or (since is not None and job.has_failed_since(since)):
                continue
            if stop.number is not None:
                return
            yield (number, job), job_in_turns(job.run, splits, device, stop)

    try:
        with closing(side_by_side(left(), at_once, device)) as outcomes:
            for (number, job), outcome in outcomes:
                if isinstance(outcome, LostDeviceError):
                    if at_once == 1:
                        report(number, job, str(outcome))
                    else:
                        job.run.summarise(status="interrupted")
                    raise outcome
                if outcome is not None:
                    report(number, job, outcome)
                if isinstance(outcome, str):
                    failed[job.run.path] = outcome
    except InterruptedRunError as interruption:
        raise plan.interruption(interruption.signal_number) from None
    if stop.number is not None:
        raise plan.interruption(stop.number)
    return failed


def run_job(run: RunDirectory, splits: SplitImages, device: torch.device, stop: StopSignal) -> Trained | str | None:
    """Does one job, see `job_in_turns`.

    Raises:
        InterruptedRunError: it was asked to stop; the checkpoint is saved.
        LostDeviceError: the device failed, and this process can do no other job on it.
    """
    outcome = finished(job_in_turns(run, splits, device, stop))
    if isinstance(outcome, LostDeviceError):
        raise outcome
    return outcome


def job_in_turns(run: RunDirectory, splits: SplitImages, device: torch.device, stop: StopSignal) -> Turns[Outcome]:
    """Does one job, unless it is finished or another process does it; leaves off after each step.

    Returns:
        What became of it.

    Raises:
        InterruptedRunError: it was asked to stop; the checkpoint is saved.
    """
    try:
        with run.locked():
            if run.is_finished:
                return None
            # Images come to the device before the run begins, and what fails then has failed, too.
            with run.status_on_error(), explained_loss(device):
                return (yield from locked_job_in_turns(run, splits, device, stop))
    except RunLockedError:
        return None
    except LostDeviceError as error:
        return error
    except (ConnpruneError, OSError, RuntimeError) as error:
        return str(error)


def locked_job_in_turns(
    run: RunDirectory, splits: SplitImages, device: torch.device, stop: StopSignal
) -> Turns[Trained]:
    """Does one job in a run that the caller has locked, from its start or from where it was interrupted."""
    if run.is_finished:
        return run.trained()
    configuration = splits.configuration(run)
    images = splits(configuration)
    known = run.summary.data_digest
    require_same_images(run, configuration, known, images.digest)
    if known is None and (beside := _beside(run, splits, configuration.with_found(images.range, images.divide))):
        require_same_images(beside, configuration, beside.summary.data_digest, images.digest)

    def train(directory: RunDirectory) -> Turns[Trained]:
        return train_in_turns(directory, splits.configuration(directory), images, device, Silent(), stop)

    if run.kind == "evolution":
        return (yield from evolve(run, configuration, train))
    return (yield from train(run))


def _beside(run: RunDirectory, splits: SplitImages, configuration: Configuration) -> RunDirectory | None:
    """A training of the same experiment that has begun and wants the same images; None if there is none yet."""
    jobs = run.path.resolve().parent.parent
    if not (jobs.parent / PLAN).is_file():
        return None
    for path in sorted(jobs.glob("*/seed-*")):
        other = RunDirectory(path)
        try:
            if other.summary.data_digest and splits.configuration(other).data == configuration.data:
                return other
        except UsageError:
            continue  # What is damaged, or whose images are gone, says so when its own turn comes.
    return None
