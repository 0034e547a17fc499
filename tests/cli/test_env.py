"""`connprune env`: all that a bug report needs, even where something is broken."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch

from connprune.documents.environment import Gpu, TorchBuild
from connprune.report.machine import machine_text
from connprune.runs.machine import EXTRAS, machine
from tests.conftest import Command


def test_it_names_what_matters(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("CONNPRUNE_MAX_LAYERS", "77")
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    outcome = command("env")
    assert outcome.code == 0
    for text in ("python", torch.__version__, "OMP_NUM_THREADS", "CONNPRUNE_MAX_LAYERS", "extra ray", "GPUs", "cores"):
        assert text in outcome.out
    assert "hidden" not in outcome.out
    found = command("env", "--json").json
    assert found["schema"] == 2
    assert found["packages"]["torch"] == torch.__version__.partition("+")[0]
    assert found["variables"]["CONNPRUNE_MAX_LAYERS"] == "77"
    assert (found["cache"], found["runs"]) == (str(tmp_path / "cache"), str(tmp_path / "runs"))
    assert len(found["torch"]["gpus"]) == torch.cuda.device_count()


def test_a_torch_that_cannot_be_imported_is_reported(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so: cannot open shared object file')")
    path = os.pathsep.join([str(tmp_path), os.getcwd(), os.environ.get("PYTHONPATH", "")])  # noqa: PTH109
    done = subprocess.run(
        [sys.executable, "-m", "connprune", "env"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert "libcudart.so" in done.stdout


def test_gpus_are_listed() -> None:
    found = machine(Path("runs"), Path("cache"))
    assert isinstance(found.torch, TorchBuild)
    gpus = (Gpu(name="Some GPU", bytes=80 * 2**30),)
    found = found.model_copy(update={"torch": found.torch.model_copy(update={"gpus": gpus})})
    assert "cuda:0" in machine_text(found)
    assert "Some GPU, 80.0 GiB" in machine_text(found)


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    stated = {name: packages for name, packages in optional.items() if name not in ("dev", "docs")}
    assert {name: tuple(each.partition(">")[0] for each in packages) for name, packages in stated.items()} == EXTRAS
