"""benchmarks/gpu.sh, where there is no GPU: its figures mean nothing then, but there is a line for each."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu.sh"
KEYS = {"check", "name", "value", "unit", "device", "driver", "torch", "commit"}


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    surroundings = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "OMP_NUM_THREADS": "1", **variables}
    command = [str(SCRIPT), "--tiny", *words]
    return subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=600, check=False)


def figures(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(figure.keys() >= KEYS for figure in found), done.stdout
    return found


def test_each_figure_is_a_line_of_json() -> None:
    done = run("--device", "cpu", "blog")
    assert done.returncode == 0, done.stderr
    found = figures(done)
    assert {figure["check"] for figure in found} == {"blog"}
    assert "blog, 200 epochs" in {figure["name"] for figure in found}
    assert all(isinstance(figure["value"], float) and figure["device"] == "cpu" for figure in found)


def test_a_check_that_fails_is_a_line_too_and_the_next_one_goes_on() -> None:
    done = run("machine", "blog", PYTHON="false")
    assert done.returncode == 1
    found = figures(done)
    assert [figure["check"] for figure in found] == ["machine", "blog"]
    assert all(figure["value"] is None and "code 1" in figure["error"] for figure in found)


def test_what_does_not_fit_into_the_time_is_a_line_too() -> None:
    done = run("machine", "strong", BUDGET="0")
    assert done.returncode == 1
    assert [(figure["check"], figure["error"]) for figure in figures(done)] == [
        (check, "it did not end within its time") for check in ("machine", "strong")
    ]


@pytest.mark.parametrize("word", ["everything", "--fast"])
def test_what_it_does_not_know_is_refused(word: str) -> None:
    done = run(word)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr


@pytest.mark.slow
def test_all_checks_run_without_a_gpu() -> None:
    done = run("--device", "cpu", BUDGET="3600")
    assert done.returncode == 0, done.stderr
    found = figures(done)
    assert len({figure["name"] for figure in found}) == len(found) > 15
    for figure in found:
        assert figure["value"] <= figure.get("at_most", figure["value"]), figure
