"""The Ray cluster to work an experiment off with: one that is there already, or one that is started for it."""

import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connprune.errors import ConnpruneError, InterruptedRunError, UsageError
from connprune.experiments.launch import threads_of_each, threads_set_by_user, usable_cores
from connprune.signals import Stop

_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Share:
    """What each training asks the cluster for.

    Attributes:
        threads: CPUs, and so many threads it uses.
        gpus: GPUs.
    """

    threads: int
    gpus: int

    def __str__(self) -> str:
        return f"{self.threads} CPU{'s' * (self.threads > 1)}" + " and a GPU" * self.gpus

    @property
    def exists(self) -> bool:
        """Whether any machine of the cluster has as much, busy or not."""
        import ray

        having = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return any(one.get("CPU", 0) >= self.threads and one.get("GPU", 0) >= self.gpus for one in having)


def require_ray() -> None:
    """Raises UsageError unless Ray is installed."""
    try:
        import ray  # noqa: F401
    except ImportError:
        raise UsageError("--on ray: Ray is not installed; get it with `pip install 'connprune[ray]'`.") from None


@contextmanager
def cluster(device: str, jobs: int | None, threads: int | None) -> Iterator[Share]:
    """Joins the cluster of RAY_ADDRESS or of `ray start` on this machine; else starts one here, which ends with this.

    What Ray itself has to say goes to standard error.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`; with `auto` trainings ask for a GPU if the cluster has one.
        jobs: how many trainings shall run at once; None is as many as there is room for.
        threads: CPU threads of each; None is OMP_NUM_THREADS, else a fair share of this machine's cores, but 1 in a
            cluster that was there already.

    Raises:
        UsageError: RAY_ADDRESS is no address; or `device` is `cuda`, and a cluster started here has no GPU.
        ConnpruneError: the cluster of RAY_ADDRESS does not answer, or Ray cannot start.
        InterruptedRunError: a signal came before the cluster was ready.
    """
    import ray

    # Ray colours what it says even where no terminal is.
    os.environ.setdefault("RAY_COLOR_PREFIX", "0")
    with redirect_stdout(sys.stderr):
        try:
            if _is_there():
                _connect()
                share = threads or threads_set_by_user() or 1
            else:
                share = threads_of_each(jobs or usable_cores(), threads)
                at_once = jobs or max(1, usable_cores() // share)
                _connect(address="local", num_cpus=at_once * share)
                if device == "cuda" and not _has_gpus():
                    raise UsageError("--device cuda: there are 0 CUDA devices here; use cpu.")
            yield Share(share, int(device == "cuda" or (device == "auto" and _has_gpus())))
        finally:
            ray.shutdown()


def _is_there() -> bool:
    """Whether there is a cluster to join, and it answers: Ray itself would go on asking for a quarter of an hour."""
    named = os.environ.get("RAY_ADDRESS", "")
    address = named if named not in ("", "auto") else _started_here()
    if address in ("", "local"):
        return False
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal() and int(port) < 2**16):
        raise UsageError(f"RAY_ADDRESS: found {address!r}, expected HOST:PORT, auto or local.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS).close()
    except OSError as error:
        if named == address:
            raise ConnpruneError(f"RAY_ADDRESS {named}: no Ray cluster answers there ({error}).") from None
        return False
    return True


def _started_here() -> str:
    """The address that the last `ray start` on this machine left behind, perhaps of a cluster that has ended since."""
    path = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray" / "ray_current_cluster"
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _connect(**where: Any) -> None:
    import ray

    # Ray installs a handler of its own, which would end this process with another exit code.
    with Stop() as stop:
        try:
            ray.init(**where, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except SystemExit as ended:
            raise InterruptedRunError("Interrupted.", int(ended.code or 0)) from None
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise ConnpruneError(f"--on ray: {in_one_line(error.__cause__ or error)}") from None
    if stop.number is not None:
        raise InterruptedRunError("Interrupted.", stop.number)


def _has_gpus() -> bool:
    import ray

    return bool(ray.cluster_resources().get("GPU", 0) >= 1)


def in_one_line(error: BaseException) -> str:
    """What an error of Ray's says; where it holds the traceback of another process, that one's last line."""
    text = str(error).strip()
    if "Traceback" in text:
        text = text.splitlines()[-1]
    return " ".join(text.split())
