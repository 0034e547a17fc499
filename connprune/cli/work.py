"""`connprune work`: what `--jobs` starts."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import options
from connprune.cli.experiment import execute_here
from connprune.cli.output import Output


def work(
    experiment: Annotated[Path, typer.Argument(metavar="DIR", help="The experiment's directory.")],
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    data: options.PlaceOption = None,
    plugins: options.PluginOption = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Leave out what has failed from then on, ISO 8601.")
    ] = None,
) -> None:
    """Do the trainings of an experiment that no other process does; end when standard input ends."""
    from connprune.errors import ConnpruneError, InterruptedRunError, LostDeviceError
    from connprune.experiments.launch import LOST_DEVICE
    from connprune.experiments.plan import read_any

    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        options.load_plugins(plugins)
        options.prepare_cpu(threads)
        failed = execute_here(read_any(experiment), device, Output(), data, since)
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
    devices: Sequence[str],
    threads: int | None,
    plugins: Sequence[str],
    data: str | None = None,
    since: str | None = None,
) -> list[list[str]]:
    """The command of each worker: one a device.

    Args:
        path: the experiment's directory.
        devices: of the workers.
        threads: CPU threads of each; None is OMP_NUM_THREADS, else a fair share of the cores.
        plugins: modules that each imports.
        data: where the images are now; None is where they were.
        since: trainings that have failed from this moment on are not tried again; None is now.
    """
    from connprune.experiments.launch import threads_of_each
    from connprune.runs.clock import now

    threads = threads_of_each(len(devices), threads)
    # Without -P, a file in the current folder that is called like a library would be imported in its place.
    command = [sys.executable, "-P", "-m", "connprune", "work", str(path), "--threads", str(threads)]
    command += ["--since", since or now()]
    command += ["--data", data] if data else []
    command += [word for name in plugins for word in ("--plugin", name)]
    return [[*command, "--device", device] for device in devices]


def _end_with_parent() -> None:
    """Asks this process to stop, with a checkpoint, as soon as the process that started it is gone."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
