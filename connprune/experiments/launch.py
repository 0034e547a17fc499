"""Several processes that work one experiment off, on one machine."""

import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack

from connprune.data.progress import StopSignal
from connprune.experiments.ends import end_of, out_of_memory_kills
from connprune.runs.machine import usable_cores

_GLANCE_SECONDS = 0.1
# The exit code of a worker whose device failed: EX_TEMPFAIL of sysexits.h. Another one can go on in its place.
LOST_DEVICE = 75


def launch(commands: Sequence[Sequence[str]], stop: StopSignal) -> list[str]:
    """Runs workers until all have ended; passes a signal that this process got on to them.

    Each worker reads from a pipe that ends with this process, so none is left behind if it is killed. They do not
    belong to the terminal's group: a Ctrl-C must reach each of them once. One whose device failed is followed by
    another, which does not try again what failed: so there are no more of them than trainings.

    Returns:
        How each ended that did not end by itself. The others have said on standard error what went wrong.
    """
    kills = out_of_memory_kills()
    with ExitStack() as ended:

        def begun(command: Sequence[str]) -> subprocess.Popen[bytes]:
            # The commands are our own, and their arguments are not seen by a shell.
            worker = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
            )
            return ended.enter_context(worker)

        workers = [begun(command) for command in commands]
        told = False
        while None in (codes := [worker.poll() for worker in workers]) or (
            LOST_DEVICE in codes and stop.number is None
        ):
            if stop.number is not None and not told:
                told = True
                for worker in workers:
                    worker.send_signal(stop.number)
            for number, code in enumerate(codes):
                if code == LOST_DEVICE and stop.number is None:
                    workers[number] = begun(commands[number])
            time.sleep(_GLANCE_SECONDS)
    kills = out_of_memory_kills() - kills
    ends = (end_of(f"worker {n}", one.pid, one.returncode, kills) for n, one in enumerate(workers, 1))
    return [end for end in ends if end]


def devices_of_jobs(device: str, jobs: int) -> list[str]:
    """A device for each of so many workers; with `auto` or `cuda` the GPUs are shared out."""
    import torch

    count = torch.cuda.device_count() if device in ("auto", "cuda") else 0
    return [f"cuda:{number % count}" if count else device for number in range(jobs)]


def threads_of_each(jobs: int, threads: int | None) -> int:
    """CPU threads of each of so many trainings at once: what is asked for, else OMP_NUM_THREADS, else a fair share."""
    return threads or threads_set_by_user() or usable_cores() // jobs or 1


def threads_set_by_user() -> int | None:
    """OMP_NUM_THREADS, or None where it says nothing."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return (int(text) if text.isdecimal() else 0) or None
