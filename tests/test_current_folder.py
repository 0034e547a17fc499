"""No way to start imports a file of the current folder that is called like a library."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, TINY, Command

ROOT = Path(__file__).parents[1]
SCRIPT = str(Path(sys.executable).with_name("connprune"))
# As torchrun starts it, one process suffices: what several do further on is the same.
TORCHRUN = (str(Path(sys.executable).with_name("torchrun")), "--standalone", "--nproc-per-node=1")
LIBRARIES = ("torch", "torchvision", "numpy", "yaml", "typer", "rich", "pydantic", "safetensors", "scipy", "PIL", "ray")

Start = Callable[..., None]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Runs a command where each library has a namesake that notes that it was imported."""
    trap, notes = tmp_path / "trap", tmp_path / "imported"
    trap.mkdir()
    for library in LIBRARIES:
        text = f"open({str(notes)!r}, 'a').write('{library} ')\nraise ImportError('the current folder')\n"
        (trap / f"{library}.py").write_text(text, encoding="utf-8")

    def run(*command: str) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_ADDRESS": "local"}
        environment.pop("PYTHONSAFEPATH", None)
        done = subprocess.run(
            command, cwd=trap, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert not notes.exists(), notes.read_text()
        assert done.returncode == 0, done.stderr

    return run


@pytest.mark.parametrize(
    "command",
    [
        (SCRIPT,),
        (sys.executable, "-m", "connprune"),
        # It starts the script, as the first does; that pages say so is asked below.
        pytest.param((*TORCHRUN, "--no-python", "--", SCRIPT), marks=pytest.mark.slow),
        # What was documented once, and stands in scripts.
        pytest.param((*TORCHRUN, "-m", "--", "connprune"), marks=pytest.mark.slow),
    ],
    ids=["script", "module", "torchrun", "torchrun-m"],
)
def test_a_command(start: Start, command: tuple[str, ...]) -> None:
    start(*command, "train", *TINY, "--dry-run")


@pytest.fixture
def cut(command: Command, tmp_path: Path) -> str:
    assert command("train", *TINY, "--epochs", "1", "--run", "parent", "-q").code == 0
    assert command("prune", "parent", "--keep", "20", "--out", "cut", "-q").code == 0
    return str(tmp_path / "cut")


@pytest.mark.slow
def test_the_workers_of_jobs(start: Start, cut: str) -> None:
    start(SCRIPT, "retrain", cut, "--seeds", "2", "--epochs", "1", "--jobs", "2", "--run", "by-jobs", "-q")


@pytest.mark.slow
def test_the_workers_of_a_cluster(start: Start, cut: str) -> None:
    start(SCRIPT, "retrain", cut, "--seeds", "2", "--epochs", "1", "--on", "ray", "--run", "by-ray", "-q")


def test_pages_start_torchrun_on_the_command_itself() -> None:
    """`-m connprune` would have Python put the current folder first."""
    lines = [
        line
        for page in (*ROOT.glob("docs/**/*.md"), ROOT / "README.md")
        for line in page.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        if re.match(r"\s*torchrun ", line)
    ]
    assert lines
    assert [line for line in lines if " --no-python -- connprune " not in line] == []
