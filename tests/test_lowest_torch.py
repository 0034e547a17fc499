"""What depends on torch's version, in an environment with the lowest one that is supported."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VARIABLE = "CONNPRUNE_LOWEST_PYTHON"
PARTS = {
    "steps on CUDA": ["tests/cuda"],
    "networks": ["tests/network"],
    "trainings": ["tests/training/test_step.py", "tests/training/test_record.py", "tests/training/test_precision.py"],
    # torch 2.11 warns of itself as it compiles, where warnings are errors.
    "compiled steps": [
        "tests/training/test_compilation.py",
        "-m",
        "slow or not slow",
        "-W",
        "default::DeprecationWarning",
    ],
    "commands": ["tests/cli/test_pipeline.py"],
    "exports": ["tests/export"],
}


@pytest.fixture(scope="module")
def python() -> str:
    """The environment's interpreter."""
    given = os.environ.get(VARIABLE)
    if not given:
        pytest.skip(f"{VARIABLE} names no interpreter with the lowest torch, see CONTRIBUTING.md")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = [line.removeprefix("torch>=") for line in project["dependencies"] if line.startswith("torch>=")]
    asked = [given, "-c", "import torch; print(torch.__version__)"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert lowest == [".".join(version.split(".")[:2])]
    return given


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_all_is_well_with_the_lowest_torch(python: str, part: str) -> None:
    words = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--show-capture=no", *PARTS[part]]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}{done.stderr[-2000:]}"
    passed = re.search(r"(\d+) passed", done.stdout)
    # Not one of them, where what they need is missing.
    assert passed, done.stdout
