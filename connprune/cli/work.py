"""`connprune work`: what `--jobs` starts."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connprune.cli import options
from connprune.cli.experiment import execute_here
from connprune.cli.output import Output

if TYPE_CHECKING:
    from connprune.experiments.launch import Place, WorkerCommand


def work(
    experiment: Annotated[Path, typer.Argument(metavar="DIR", help="The experiment's directory.")],
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    data: options.PlaceOption = None,
    plugins: options.PluginOption = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Leave out what has failed from then on, ISO 8601.")
    ] = None,
    at_once: Annotated[
        int, typer.Option("--at-once", metavar="N", min=1, help="Do N trainings at once, some steps of each in turn.")
    ] = 1,
) -> None:
    """Do the trainings of an experiment that no other process does; end when standard input ends."""
    from connprune.errors import ConnpruneError, InterruptedRunError, LostDeviceError
    from connprune.experiments.launch import LOST_DEVICE
    from connprune.experiments.plan import read_any

    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        options.load_plugins(plugins)
        options.prepare_cpu(threads)
        failed = execute_here(read_any(experiment), device, Output(), data, since, at_once)
    except LostDeviceError:
        # It was reported; the process that started this one starts another.
        sys.exit(LOST_DEVICE)
    except InterruptedRunError as interruption:
        # The process that started this one says it once for all.
        sys.exit(interruption.exit_code)
    if failed:
        raise ConnpruneError(f"{len(failed)} trainings failed.")


def worker_commands(
    path: Path,
    places: "Sequence[Place]",
    threads: int | None,
    plugins: Sequence[str],
    data: str | None = None,
    since: str | None = None,
) -> "list[WorkerCommand]":
    """The command of each worker: one a place.

    Args:
        path: the experiment's directory.
        places: of the workers.
        threads: CPU threads of each; None is OMP_NUM_THREADS, else a fair share of the cores.
        plugins: modules that each imports.
        data: where the images are now; None is where they were.
        since: trainings that have failed from this moment on are not tried again; None is now.
    """
    from connprune.experiments.launch import WorkerCommand, threads_of_each
    from connprune.runs.clock import now

    threads = threads_of_each(len(places), threads)
    # Without -P, a file in the current folder that is called like a library would be imported in its place.
    command = [sys.executable, "-P", "-m", "connprune", "work", str(path), "--threads", str(threads)]
    command += ["--since", since or now()]
    command += ["--data", data] if data else []
    command += [word for name in plugins for word in ("--plugin", name)]
    alone = [[*command, "--device", place.device] for place in places]
    return [
        WorkerCommand([*words, "--at-once", str(place.at_once)], place.at_once, words)
        for place, words in zip(places, alone, strict=True)
    ]


def _end_with_parent() -> None:
    """Asks this process to stop, with a checkpoint, as soon as the process that started it is gone."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
