"""The Ray cluster to execute an experiment with: one that is there already, or one that is started for it.

Who reaches a cluster can run code in it. One that is started here therefore listens on the loopback interface alone,
wants a token that only its processes know, and leaves nothing behind. Of one that is there already its owner decides.
"""

import ipaddress
import logging
import os
import secrets
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from connprune.errors import ArgumentError, ConnpruneError, InterruptedRunError, UsageError
from connprune.experiments.guardian import guarded
from connprune.experiments.launch import threads_of_each, threads_set_by_user
from connprune.mistakes import Mistake
from connprune.runs.machine import usable_cores
from connprune.signals import Stop

# How often a training goes on with another worker after its own died; one that kills its workers must come to an end.
RETRIES = 3

_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Share:
    """What each training asks the cluster for.

    Attributes:
        threads: CPUs, and so many threads it uses.
        gpus: GPUs.
        logs: where workers leave what they say, if the cluster was started here.
    """

    threads: int
    gpus: int
    logs: Path | None = None

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
    # Looked for, not imported: it reads its settings from the environment when it is.
    if find_spec("ray") is None:
        raise UsageError("Ray is not installed; get it with `pip install 'connprune[ray]'`.")


@contextmanager
def cluster(device: str, jobs: int | None, threads: int | None) -> Iterator[Share]:
    """Joins the cluster of RAY_ADDRESS or of `ray start` on this machine; else starts one here, which ends with this.

    What Ray itself has to say goes to standard error.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`; with `auto` trainings ask for a GPU if the cluster has one.
        jobs: how many trainings run at once; None is as many as there is room for.
        threads: CPU threads of each; None is OMP_NUM_THREADS, else a fair share of this machine's cores, but 1 in a
            cluster that was there already.

    Raises:
        UsageError: RAY_ADDRESS is no address; or `device` is `cuda`, and a cluster started here has no GPU.
        ConnpruneError: the cluster of RAY_ADDRESS does not answer, or Ray cannot start.
        InterruptedRunError: a signal came before the cluster was ready.
    """
    # Ray colours what it says even where no terminal is.
    os.environ.setdefault("RAY_COLOR_PREFIX", "0")
    with redirect_stdout(sys.stderr), ExitStack() as ended:
        logs = None
        if _is_there():
            ended.callback(_leave)
            _connect()
            share = threads or threads_set_by_user() or 1
        else:
            # Ray opens its folder to all users; the one around it stays closed.
            folder = ended.enter_context(guarded(os.environ.get("RAY_TMPDIR"))) / "r"
            logs = folder / "session_latest" / "logs"
            os.environ |= _of_a_private_one()
            ended.callback(_leave)
            share = threads_of_each(jobs or usable_cores(), threads)
            at_once = jobs or max(1, usable_cores() // share)
            _connect(address="local", num_cpus=at_once * share, _temp_dir=str(folder))
            _require_loopback()
            if device == "cuda" and not _has_gpus():
                problem = "there are 0 CUDA devices here"
                raise ArgumentError(Mistake(problem, key="device", found="cuda", hint="use cpu"))
        yield Share(share, int(device == "cuda" or (device == "auto" and _has_gpus())), logs)


def _of_a_private_one() -> dict[str, str]:
    """The environment of a cluster of our own, and of this process before it imports Ray."""
    return {
        # On Linux as on systems where Ray makes no clusters of several machines: it listens on the loopback interface.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        # Not the one in the home folder, which clusters share: this one ends with its cluster.
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_enable_metrics_collection": "0",
        # Else a training that does not fit into memory would be tried for ever.
        "RAY_task_oom_retries": str(RETRIES),
    }


def _require_loopback() -> None:
    """Raises ConnpruneError if the cluster started here can be reached from elsewhere, as another Ray's might."""
    import ray

    addresses = {node["NodeManagerAddress"] for node in ray.nodes()}
    if not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise ConnpruneError(
            f"Ray {ray.__version__} listens on {', '.join(sorted(addresses))}, where others can reach it; "
            "execute the trainings as processes here, or start a cluster with `ray start`."
        )


def _leave() -> None:
    import ray

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
    """The address that this user's last `ray start` here left behind, perhaps of a cluster that has ended since.

    The file lies where every user may write: another one's cluster would read the images, and could run code here.
    """
    path = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray" / "ray_current_cluster"
    try:
        with path.open(encoding="utf-8") as file:
            is_ours = not hasattr(os, "getuid") or os.fstat(file.fileno()).st_uid == os.getuid()
            return file.read().strip() if is_ours else ""
    except OSError:
        return ""


def _connect(**where: Any) -> None:
    import ray

    # Ray's workers look for modules first in the folder where this happens. That of Python's own modules comes first
    # anyway; the current folder's files might be called like a library.
    # Ray also installs a handler of its own, which would end this process with another exit code.
    with chdir(sysconfig.get_path("stdlib")), Stop():
        try:
            ray.init(**where, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except SystemExit as ended:
            raise InterruptedRunError("Interrupted.", int(ended.code or 0)) from None
        except Exception as error:  # Ray raises plain ones too, of a machine that is too busy to start it.
            raise ConnpruneError(f"Ray: {in_one_line(error.__cause__ or error)}") from None


def _has_gpus() -> bool:
    import ray

    return bool(ray.cluster_resources().get("GPU", 0) >= 1)


def in_one_line(error: BaseException) -> str:
    """What an error of Ray's says; where it holds the traceback of another process, that one's last line."""
    text = str(error).strip()
    if "Traceback" in text:
        text = text.splitlines()[-1]
    return " ".join(text.split())
