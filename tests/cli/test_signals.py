"""A signal ends a training with its checkpoint saved, and --resume goes on from there."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors
from tests.conftest import PATIENCE, TINY, Run


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SIGINT", 130),
        pytest.param("SIGTERM", 143, marks=pytest.mark.slow),
        pytest.param("SIGHUP", 129, marks=pytest.mark.slow),
        pytest.param("SIGUSR1", 138, marks=pytest.mark.slow),
        pytest.param("SIGUSR2", 140, marks=pytest.mark.slow),
    ],
)
def test_interrupt_and_resume(tmp_path: Path, connprune: Run, name: str, code: int) -> None:
    settings = ["--preset", "digits", "--set", "data.train_images=160", "--device", "cpu", "--run", "mine"]
    process = subprocess.Popen(
        [sys.executable, "-m", "connprune", "train", *settings, "--epochs", "100000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch      2"):
            break
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert out == ""
    assert "the checkpoint is saved. Go on with `connprune train --resume --run mine`" in err
    run = RunDirectory.open(tmp_path / "mine")
    assert run.summary.status == "interrupted"
    # The checkpoint is of the very step that the message names.
    _, metadata = read_tensors(run.checkpoint)
    progress = json.loads(metadata["progress"])
    assert f"Interrupted in epoch {progress['epoch'] + 1} after step {progress['step']};" in err
    done = len(run.read_metrics())
    resumed = connprune("train", "--resume", "--run", "mine", "--epochs", "100000", "--dry-run")
    assert resumed.returncode == 0
    assert done >= 2
    assert connprune("inspect", "mine").returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_training_that_signals_were_to_leave_alone_goes_on(tmp_path: Path) -> None:
    """As after `nohup`, and in the background of a script."""
    words = [sys.executable, "-m", "connprune", "train", *TINY, "--run", "mine"]
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 1"):
            break
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "mine\n"), err
