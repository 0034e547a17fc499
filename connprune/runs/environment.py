"""What a training ran in: versions, machine, command line, and the commit of the folder that it was started from."""

import os
import platform
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from connprune.documents.environment import Environment, Environments
from connprune.errors import UsageError
from connprune.files import read_json, write_json
from connprune.runs.machine import installed

_PACKAGES = ("connprune", "torch", "torchvision", "numpy", "safetensors", "pydantic")
_GIT_SECONDS = 5
# What changes how numbers are rounded.
_ROUNDING: dict[str, Callable[[Environment], object]] = {
    "CPU threads": lambda environment: environment.threads,
    "devices": lambda environment: environment.device,
    "precision": lambda environment: environment.precision,
    "torch": lambda environment: environment.packages.get("torch"),
}


def environment(device: str, precision: str, processes: int, threads: int) -> Environment:
    """The environment of this process.

    Args:
        device: the name of the device that it computes on.
        precision: of its arithmetic.
        processes: how many train together.
        threads: CPU threads of each.
    """
    return Environment(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(sys.argv),
        folder=str(Path.cwd()),
        commit=_commit(),
        host=socket.gethostname(),
        process=os.getpid(),
        device=device,
        precision=precision,
        processes=processes,
        threads=threads,
        cores=os.cpu_count(),
        system=platform.platform(),
        python=platform.python_version(),
        packages={name: installed(name) for name in _PACKAGES},
    )


def read_environments(path: Path) -> tuple[Environment, ...]:
    """The environments in a file, which is a note for people; none if it is not there, or damaged."""
    try:
        return Environments.read(read_json(path), str(path)).environments
    except UsageError:
        return ()


def record(path: Path, environment: Environment) -> str | None:
    """Adds an environment to a file that lists those of every time that the run went on.

    Returns:
        What is other than the last time and changes how numbers are rounded, a sentence; None if nothing is.
    """
    before = read_environments(path)
    write_json(path, Environments(environments=(*before, environment)).plain())
    changed = [
        f"{name} (was {was}, now {now})"
        for name, of in (_ROUNDING.items() if before else ())
        if (was := of(before[-1])) != (now := of(environment))
    ]
    if not changed:
        return None
    return (
        f"this run goes on with other {', other '.join(changed)} than before, so it is not bit for bit what it would "
        "have been"
    )


def _commit() -> str | None:
    """The commit that is checked out in the current folder; None outside of git.

    git is asked nothing for which it would look at files: the folder itself may tell it to run programs for that.
    """
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_GIT_SECONDS)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
