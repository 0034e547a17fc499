"""Executing an experiment: any number of processes do this at once, and each training is done by one of them."""

from collections.abc import Callable
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
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.images import moved, require_same_images
from connprune.training.lost_device import explained_loss
from connprune.training.run import split_data, train_locked

Load = Callable[[Configuration], Dataset]


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
        return self._splits[key]


def work(
    plan: Plan,
    load: Load,
    device: torch.device,
    stop: StopSignal,
    report: Callable[[int, Job, Trained | str], None],
    data: str | None = None,
    since: str | None = None,
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

    Returns:
        For each training that failed, why.

    Raises:
        InterruptedRunError: it was asked to stop.
        LostDeviceError: the device failed in a training, which was reported; another process can go on.
    """
    splits = SplitImages(load, device, data)
    failed: dict[Path, str] = {}
    for number, job in enumerate(plan.jobs, 1):
        if job.is_finished or (since is not None and job.has_failed_since(since)):
            continue
        if stop.number is not None:
            raise plan.interruption(stop.number)
        try:
            outcome = run_job(job.run, splits, device, stop)
        except InterruptedRunError as interruption:
            raise plan.interruption(interruption.signal_number) from None
        except LostDeviceError as error:
            report(number, job, str(error))
            raise
        if outcome is not None:
            report(number, job, outcome)
        if isinstance(outcome, str):
            failed[job.run.path] = outcome
    return failed


def run_job(run: RunDirectory, splits: SplitImages, device: torch.device, stop: StopSignal) -> Trained | str | None:
    """Does one job, unless it is finished or another process does it.

    Returns:
        Its summary; or why it failed; or None if there was nothing to do.

    Raises:
        InterruptedRunError: it was asked to stop; the checkpoint is saved.
        LostDeviceError: the device failed, and this process can do no other job on it.
    """
    try:
        with run.locked():
            if run.is_finished:
                return None
            # Images come to the device before the run begins, and what fails then has failed, too.
            with run.status_on_error(), explained_loss(device):
                return run_locked_job(run, splits, device, stop)
    except RunLockedError:
        return None
    except LostDeviceError:
        raise
    except (ConnpruneError, OSError, RuntimeError) as error:
        return str(error)


def run_locked_job(run: RunDirectory, splits: SplitImages, device: torch.device, stop: StopSignal) -> Trained:
    """Does one job in a run that the caller has locked, from its start or from where it was interrupted."""
    if run.is_finished:
        return run.trained()
    configuration = splits.configuration(run)
    images = splits(configuration)
    known = run.summary.data_digest
    require_same_images(run, configuration, known, images.digest)
    if known is None and (beside := _beside(run, splits, configuration.with_found(images.range, images.divide))):
        require_same_images(beside, configuration, beside.summary.data_digest, images.digest)

    def train(directory: RunDirectory) -> Trained:
        return train_locked(directory, splits.configuration(directory), images, device, Silent(), stop)

    if run.kind == "evolution":
        return evolve(run, configuration, train)
    return train(run)


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
