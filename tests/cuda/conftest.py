"""torch's CUDA build on a runtime that has no device: `runtime.c`, built once a session."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch

HERE = Path(__file__).parent
# A case: a preset, and what is set over it.
Case = Sequence[str]


def _headers() -> list[Path]:
    """The folders of CUDA's headers, which torch's CUDA build brings along; none where it does not.

    Triton's may be of an older CUDA than torch is built for, but have what the others leave out.
    """
    triton, nvidia = find_spec("triton"), find_spec("nvidia")
    if triton is None or triton.origin is None:
        return []
    of_torch = (Path(folder) / f"cu{torch.version.cuda}".split(".")[0] / "include" for folder in _folders(nvidia))
    return [*of_torch, Path(triton.origin).parent / "backends" / "nvidia" / "include"]


def _folders(package: ModuleSpec | None) -> Sequence[str]:
    return list(package.submodule_search_locations or ()) if package else []


@pytest.fixture(scope="session")
def without_a_device(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Runs Python with torch on the runtime, in a process each; tests are skipped where it cannot be built."""
    compiler = shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("the CUDA runtime without a device is built with gcc on Linux")
    if torch.version.cuda is None or torch.cuda.is_available():
        pytest.skip("this torch is no CUDA build, or there is a CUDA device here")
    headers = _headers()
    if not headers:
        pytest.skip("CUDA's headers are not here")
    folder = tmp_path_factory.mktemp("cuda")
    build = [compiler, "-O1", "-shared", "-fPIC", "-w"]
    include = [f"-I{path}" for path in headers]
    subprocess.run([*build, *include, "-o", folder / "libruntime.so", HERE / "runtime.c", "-lpthread"], check=True)
    subprocess.run([*build, "-o", folder / "libcuda.so.1", HERE / "driver.c"], check=True)

    environment = {
        **os.environ,
        "LD_PRELOAD": str(folder / "libruntime.so"),
        "LD_LIBRARY_PATH": str(folder),
        "PYTHONPATH": str(HERE.parent.parent),
        "CONNPRUNE_CACHE": str(folder / "cache"),
        # cuBLASLt chooses among kernels by asking the device.
        "DISABLE_ADDMM_CUDA_LT": "1",
    }
    streams = [folder / name for name in ("stdin", "stdout", "stderr")]

    def run(
        *arguments: str | Path,
        devices: int = 1,
        stdin: str = "",
        cwd: Path = HERE.parent.parent,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> subprocess.CompletedProcess[str]:
        for stream, text in zip(streams, (stdin, "", ""), strict=True):
            stream.write_text(text)
        wanted = {
            "arguments": list(map(str, arguments)),
            "folder": str(cwd),
            "variables": {"RUNTIME_DEVICES": str(devices), **variables},
            "streams": list(map(str, streams)),
        }
        assert forks.stdin
        assert forks.stdout
        forks.stdin.write(f"{json.dumps(wanted)}\n")
        forks.stdin.flush()
        code = int(forks.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, *(stream.read_text() for stream in streams[1:]))

    # One imports torch for all: that takes longer than most of what they do.
    command = [sys.executable, "-m", "tests.cuda.forks"]
    forks = subprocess.Popen(
        command, cwd=HERE.parent.parent, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with forks:
        yield run


@pytest.fixture(scope="session")
def recorded(without_a_device: Callable[..., Any]) -> Callable[..., list[dict[str, Any]]]:
    """What `steps.py` finds of each case."""

    def run(
        cases: Sequence[Case], devices: int = 1, waits: bool = False, images: int = 32, plugins: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        what = {"cases": [list(case) for case in cases], "devices": devices, "waits": waits, "images": images}
        what["plugins"] = list(plugins)
        asked = json.dumps(what)
        done = without_a_device("-m", "tests.cuda.steps", devices=devices, stdin=asked)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(found) == len(cases), done.stderr
        return found

    return run
