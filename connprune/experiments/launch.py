"""Several processes that work one experiment off, on one machine."""

import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from connprune.data.progress import StopSignal
from connprune.experiments.ends import end_of, out_of_memory_kills
from connprune.runs.machine import usable_cores

_GLANCE_SECONDS = 0.1
# The exit code of a worker whose device failed: EX_TEMPFAIL of sysexits.h. Another one can go on in its place.
LOST_DEVICE = 75


@dataclass(frozen=True)
class Place:
    """Where a worker trains.

    Attributes:
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        at_once: how many trainings take turns there.
    """

    device: str
    at_once: int = 1


@dataclass(frozen=True)
class WorkerCommand:
    """What starts a worker.

    Attributes:
        words: of the command.
        at_once: how many trainings take turns in it.
        alone: the words for one that does one training at a time.
    """

    words: Sequence[str]
    at_once: int
    alone: Sequence[str]

    @property
    def successors(self) -> "list[WorkerCommand]":
        """What goes on once its device has failed: a process for each training shows whose fault it was."""
        return [WorkerCommand(self.alone, 1, self.alone)] * self.at_once


def launch(commands: Sequence[WorkerCommand], stop: StopSignal) -> list[str]:
    """Runs workers until all have ended; passes a signal that this process got on to them.

    Each worker reads from a pipe that ends with this process, so none is left behind if it is killed. They do not
    belong to the terminal's group: a Ctrl-C must reach each of them once. One whose device failed is followed by
    its successors, which do not try again what failed: so there are no more of them than trainings, but for the first.

    Returns:
        How each ended that did not end by itself. The others have said on standard error what went wrong.
    """
    kills = out_of_memory_kills()
    with ExitStack() as ended:

        def begun(command: WorkerCommand) -> subprocess.Popen[bytes]:
            # The commands are our own, and their arguments are not seen by a shell.
            worker = subprocess.Popen(  # noqa: S603
                command.words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
            )
            return ended.enter_context(worker)

        workers = [(command, begun(command)) for command in commands]
        told = False
        while None in (codes := [worker.poll() for _, worker in workers]) or (
            LOST_DEVICE in codes and stop.number is None
        ):
            if stop.number is not None and not told:
                told = True
                for _, worker in workers:
                    worker.send_signal(stop.number)
            if stop.number is None:
                lost = [command for (command, _), code in zip(workers, codes, strict=True) if code == LOST_DEVICE]
                workers = [worker for worker, code in zip(workers, codes, strict=True) if code != LOST_DEVICE]
                workers += [(next_one, begun(next_one)) for command in lost for next_one in command.successors]
            time.sleep(_GLANCE_SECONDS)
    kills = out_of_memory_kills() - kills
    ends = (end_of(f"worker {n}", one.pid, one.returncode, kills) for n, (_, one) in enumerate(workers, 1))
    return [end for end in ends if end]


def places_of_jobs(device: str, jobs: int) -> list[Place]:
    """Where so many trainings at once are done: a process for each, or on a GPU one for all that share it.

    Args:
        device: as of a `Place`; with `auto` or `cuda` the GPUs are shared out.
        jobs: how many.
    """
    import torch

    count = torch.cuda.device_count() if device in ("auto", "cuda") else 0
    gpus = [f"cuda:{number}" for number in range(min(count, jobs))] or ([device] if device.startswith("cuda:") else [])
    if not gpus:
        return [Place(device)] * jobs
    return [Place(gpu, len(range(number, jobs, len(gpus)))) for number, gpu in enumerate(gpus)]


def threads_of_each(jobs: int, threads: int | None) -> int:
    """CPU threads of each of so many trainings at once: what is asked for, else OMP_NUM_THREADS, else a fair share."""
    return threads or threads_set_by_user() or usable_cores() // jobs or 1


def threads_set_by_user() -> int | None:
    """OMP_NUM_THREADS, or None where it says nothing."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return (int(text) if text.isdecimal() else 0) or None
