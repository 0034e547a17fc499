"""Experiments on a real Ray cluster, as small as can be. Those that start one are slow."""

import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from connprune.experiments import ray_cluster
from connprune.experiments.ray_tasks import Surroundings, train
from connprune.runs.directory import RunDirectory
from tests.cli.test_pipeline import PLUGIN
from tests.conftest import PATIENCE, Command, Run
from tests.experiments.helpers import lasting

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """Where Ray keeps its own files; its sockets allow short names only."""
    folder = Path(tempfile.mkdtemp(prefix="ray"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start(tmp_path: Path, ray_folder: Path) -> Start:
    """Starts the command with `--on ray`, on a cluster of its own unless another RAY_ADDRESS is given."""

    def begin(*words: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "connprune", *words, "--on", "ray", "--device", "cpu"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={
                **os.environ,
                "RAY_ADDRESS": "local",
                "RAY_TMPDIR": str(ray_folder),
                "OMP_NUM_THREADS": "1",
                **environment,
            },
        )

    return begin


def workers(folder: Path) -> list[int]:
    """The processes in which Ray trains for a command that runs in this folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            here = process.name.isdecimal() and (process / "cwd").readlink() == folder
            if here and (process / "cmdline").read_bytes().startswith(b"ray::train"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def of_cluster(ray_folder: Path) -> list[int]:
    """The processes of clusters that keep their files in this folder; many rename themselves."""
    entry = f"RAY_TMPDIR={ray_folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def listening(processes: Collection[int]) -> set[str]:
    """The addresses on which these processes wait for connections, IPv4 also where a socket of IPv6 does it."""
    sockets: set[str] = set()
    for process in processes:
        with suppress(OSError):
            sockets |= {str(opened.readlink()) for opened in Path(f"/proc/{process}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
            address, state, inode = (line.split()[place] for place in (1, 3, 9))
            if state == "0A" and f"socket:[{inode}]" in sockets:
                words = re.findall(".{8}", address.partition(":")[0])
                raw = ipaddress.ip_address(b"".join(bytes.fromhex(word)[::-1] for word in words))
                found.add(str(getattr(raw, "ipv4_mapped", None) or raw))
    return found


STRANGER = """
import sys
import grpc
from ray.core.generated import gcs_service_pb2, gcs_service_pb2_grpc
service = gcs_service_pb2_grpc.NodeInfoGcsServiceStub(grpc.insecure_channel(sys.argv[1]))
token = [("authorization", f"Bearer {sys.argv[2]}")] if sys.argv[2] else []
try:
    service.GetAllNodeInfo(gcs_service_pb2.GetAllNodeInfoRequest(), timeout=60, metadata=token)
    print("let in")
except grpc.RpcError as error:
    print(error.code().name)
"""


def gcs_address(processes: Collection[int]) -> str:
    """Where a cluster is joined."""
    for process in processes:
        with suppress(OSError):
            for word in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0"):
                if word.startswith(b"--gcs-address="):
                    return word.partition(b"=")[2].decode()
    raise AssertionError("no cluster")


def wait_until(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[1]
        # What it waits for needs the processor more.
        time.sleep(0.05)


def epochs(run: Path) -> int:
    return len(RunDirectory(run).read_metrics())


def by_jobs(command: Command, *words: str) -> Any:
    """What `--jobs 2` gives."""
    done = command(*words, "--run", "by-jobs", "--jobs", "2", "--device", "cpu", "--json")
    assert done.code == 0, done.err
    return lasting(done.json)


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_cluster_gives_the_same_comparison_as_jobs(
    command: Command, cut: str, start: Start, ray_folder: Path
) -> None:
    words = ("retrain", cut, "--against", "parent,random:2,evolution:2", "--seeds", "2")
    out, err = (process := start(*words, "--run", "on-ray", "--jobs", "2", "--json")).communicate(timeout=PATIENCE)

    assert process.returncode == 0, err
    lines = [line.partition("]")[0] for line in err.splitlines() if line.startswith("[")]
    assert sorted(lines, key=lambda line: int(line[1:].partition("/")[0])) == [f"[{n}/10" for n in range(1, 11)]
    assert "ray" not in err.lower()
    assert lasting(json.loads(out)) == by_jobs(command, *words)
    assert of_cluster(ray_folder) == []
    assert list(ray_folder.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_cluster_gives_the_same_sweep_as_jobs(command: Command, start: Start, tmp_path: Path) -> None:
    base = "{preset: digits, data: {train_images: 96}, training: {epochs: 1}}"
    (tmp_path / "rates.yaml").write_text(f"base: {base}\naxes: {{gates.penalty: [0.001, 0.1]}}\n", encoding="utf-8")
    out, err = (process := start("sweep", "rates.yaml", "--run", "on-ray", "--json")).communicate(timeout=PATIENCE)

    assert process.returncode == 0, err
    assert lasting(json.loads(out)) == by_jobs(command, "sweep", "rates.yaml")


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_training_of_a_killed_worker_goes_on_with_another(
    command: Command, cut: str, start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    words = ("retrain", cut, "--against", "chain", "--epochs", "150")
    process = start(*words, "--run", "on-ray", "--jobs", "1", "--json")
    first = tmp_path / "on-ray" / "jobs" / "cut" / "seed-1337"
    wait_until(lambda: epochs(first) > 2 and workers(tmp_path), process)
    assert not RunDirectory(first).is_finished
    for worker in workers(tmp_path):
        os.kill(worker, number)
    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, err
    assert "worker died" in err
    assert lasting(json.loads(out)) == by_jobs(command, *words)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_cluster_of_its_own_is_closed_and_does_not_outlive_its_command(
    cut: str, start: Start, tmp_path: Path, ray_folder: Path, number: signal.Signals, code: int
) -> None:
    process = start("retrain", cut, "--against", "chain", "--seeds", "2", "--epochs", "3000", "--run", "on-ray")
    jobs = tmp_path / "on-ray" / "jobs"
    wait_until(lambda: list(jobs.glob("*/*/metrics.jsonl")) and workers(tmp_path), process)
    assert listening(of_cluster(ray_folder)) == {"127.0.0.1"}
    for token in ("", "0" * 64):
        asked = [sys.executable, "-c", STRANGER, gcs_address(of_cluster(ray_folder)), token]
        stranger = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert stranger.stdout == "UNAUTHENTICATED\n", stranger.stderr
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (code, "")
    deadline = time.monotonic() + PATIENCE
    while of_cluster(ray_folder) or any(ray_folder.iterdir()):
        assert time.monotonic() < deadline
    if number != signal.SIGKILL:
        assert err.count("Interrupted; what was under way is saved. Go on with `connprune retrain --resume --run") == 1
        begun = [RunDirectory(path.parent) for path in jobs.glob("*/*/metrics.jsonl")]
        assert {run.summary.status for run in begun} == {"interrupted"}
        assert all(run.checkpoint.exists() for run in begun)


GPUS = """
import os, sys
import ray
from connprune.experiments.ray_cluster import Share
from connprune.experiments.ray_tasks import task_of

def seen() -> tuple[int, str]:
    first = getattr(sys, "first_seen", None) or os.environ["CUDA_VISIBLE_DEVICES"]
    sys.first_seen = first  # As torch, which reads it once.
    return first, os.environ["CUDA_VISIBLE_DEVICES"]

ray.init(address="local", num_cpus=4, num_gpus=3, include_dashboard=False)
found = ray.get([task_of(seen, Share(1, 1)).remote() for _ in range(12)])
print(sum(first != now or "," in now for first, now in found), len({now for _, now in found}))
"""


@pytest.mark.slow
def test_a_task_never_runs_on_gpus_that_ray_did_not_give(ray_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GPUS],
        env={**os.environ, "RAY_TMPDIR": str(ray_folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stdout.split()[0] == "0", done.stderr


@pytest.mark.slow
def test_a_training_that_kills_its_workers_says_what_is_known(
    command: Command, cut: str, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "fatal.py").write_text(
        PLUGIN + "\nimport os, sys\nif 'default_worker' in sys.argv[0]:\n"
        "    print('the driver gave up', file=sys.stderr, flush=True)\n    os.abort()\n",
        encoding="utf-8",
    )
    process = start("retrain", cut, "--seeds", "2", "--epochs", "1", "--plugin", "fatal", "--run", "on-ray", "-q")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (1, "")
    assert "its worker died 4 times; the last one's words: " in err
    assert "the driver gave up" in err


@pytest.mark.slow
def test_failures_are_reported_and_the_others_are_done(cut: str, start: Start, command: Command) -> None:
    words = ("retrain", cut, "--against", "chain", "--seeds", "1,2", "--run", "on-ray")
    assert command(*words, "--list").code == 0
    Path("on-ray/jobs/chain/seed-1/config.yaml").write_text("training: {epochs: none}", encoding="utf-8")
    out, err = (process := start(*words)).communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (1, "")
    assert "Warning: [2/4] chain seed 1: failed: " in err
    assert "1 of 4 trainings are not finished; the first is on-ray/jobs/chain/seed-1: " in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_layers_and_images_of_one_s_own_reach_the_workers(
    connprune: Run, start: Start, tmp_path: Path, digits_folder: Path
) -> None:
    (tmp_path / "noise.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(
        "preset: digits\nlayers:\n  - {kind: conv, feature_maps: 8}\n  - {kind: noise, deviation: 0.2}\n"
        "  - {kind: conv, feature_maps: 8}\ntraining: {epochs: 1}\n"
        "data: {source: images, channels: 1, skip_damaged: true}\n",
        encoding="utf-8",
    )
    damaged = digits_folder / "train" / "7" / "000.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    plugin = ("--plugin", "noise")
    made = connprune("train", "--config", "mine.yaml", *plugin, "--run", "parent", "-q")
    assert made.returncode == 0, made.stderr
    assert connprune("prune", "parent", "--keep", "5", *plugin, "--out", "cut", "-q").returncode == 0
    words = ("retrain", "cut", "--seeds", "2", *plugin, "--run", "on-ray", "-q")
    out, err = (process := start(*words, CONNPRUNE_CACHE=str(tmp_path / "other"))).communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (0, "on-ray\n"), err
    assert err.count("Warning: left out 1 damaged images: ") == err.count("\n") == 1
    assert (tmp_path / "other").is_dir()


@pytest.mark.slow
def test_a_running_cluster_is_joined_and_left_running(cut: str, start: Start, ray_folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"RAY_AUTH_MODE": "disabled", "RAY_TMPDIR": str(ray_folder), "RAY_USAGE_STATS_ENABLED": "0"}
    head = subprocess.Popen(
        [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=1", f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (ray_folder / "ray" / "ray_current_cluster").exists():
            assert time.monotonic() < deadline
        words = ("retrain", cut, "--seeds", "1", "--epochs", "1", "-q")
        for run, address in (("named", f"127.0.0.1:{port}"), ("found", "")):
            process = start(*words, "--run", run, **{**environment, "RAY_ADDRESS": address})
            out, err = process.communicate(timeout=PATIENCE)
            assert (process.returncode, out, err) == (0, f"{run}\n", "")
        assert head.poll() is None
        process = start(*words, "--run", "wide", "--threads", "2", **{**environment, "RAY_ADDRESS": ""})
        assert process.stderr
        assert "no machine of the Ray cluster has 2 CPUs; the trainings wait until one has" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
    finally:
        head.terminate()
        head.wait(60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("127.0.0.1:1", 1, "RAY_ADDRESS 127.0.0.1:1: no Ray cluster answers there"),
        ("here", 2, "RAY_ADDRESS: found 'here', expected HOST:PORT, auto or local"),
    ],
)
def test_a_cluster_that_is_not_there_is_named(cut: str, start: Start, address: str, code: int, message: str) -> None:
    out, err = (process := start("retrain", cut, "--seeds", "1", RAY_ADDRESS=address)).communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_machine_that_does_not_see_the_directory_says_so(tmp_path: Path) -> None:
    surroundings = Surroundings.here("cpu", 1, (), None)
    outcome = train(tmp_path / "jobs" / "cut" / "seed-1", surroundings)
    assert isinstance(outcome.result, str)
    assert f"{socket.gethostname()} does not see {tmp_path}/jobs/cut/seed-1" in outcome.result
    assert "file system that all machines of the cluster share" in outcome.result


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "2", "--on", "spark"], "--on: found 'spark', expected ray."),
        (["--on", "ray"], "--jobs, --on, --list and --collect go with --against or --seeds"),
        (["--seeds", "2", "--on", "ray", "--list"], "--on says where to train, but --list and --collect train nothing"),
        (["--seeds", "2", "--on", "ray", "--device", "gpu"], "--device: found 'gpu'"),
        (["--seeds", "2", "--on", "ray", "--device", "cuda:1"], "a training takes the GPU that Ray gives it; use cuda"),
    ],
)
def test_bad_input_is_refused(command: Command, cut: str, arguments: list[str], message: str) -> None:
    before = sorted(Path().iterdir())
    done = command("retrain", cut, *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("words", [["retrain", "cut", "--seeds", "2"], ["sweep", "rates.yaml"]])
def test_without_ray_the_command_says_how_to_get_it(
    command: Command, cut: str, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    Path("rates.yaml").write_text("axes: {gates.penalty: [0.1]}", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "ray", None)
    done = command(*words, "--on", "ray")
    assert (done.code, done.out) == (2, "")
    assert done.err == "Error: Ray is not installed; get it with `pip install 'connprune[ray]'`.\n"
    assert not Path("runs").exists()


def test_another_users_cluster_is_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address lies where every user may write."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "ray").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{server.getsockname()[1]}", encoding="utf-8")
        assert ray_cluster._is_there()
        monkeypatch.setattr(os, "getuid", lambda: (tmp_path / "ray").stat().st_uid + 1)
        assert not ray_cluster._is_there()
