"""A GPU that fails for good takes one training with it, not the queue behind it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]

UNJUDGED = ("--plugin", "tests.cuda.unjudged", "--device", "cuda")
SEEDS = 3
SWEEP = f"""base:
  preset: digits
  layers: [{{kind: conv, feature_maps: 2}}]
  head: {{hidden: []}}
  data: {{train_images: 64}}
  training: {{epochs: 1}}
seeds: {SEEDS}
axes:
  training.batch_size: [32]
"""
# Within the first training, and past what one of the others takes.
LATE = 150


def failing(folder: Path) -> dict[str, str]:
    """One process fails, the one that makes the file."""
    return {"RUNTIME_FAILS": f"{LATE} {folder / 'failed'}"}


def statuses(folder: Path) -> list[str]:
    return sorted(json.loads(path.read_text())["status"] for path in folder.glob("jobs/*/*/summary.json"))


@pytest.mark.slow
def test_a_fault_ends_one_training_and_the_others_go_on(without_a_device: Run, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    words = ("sweep", "sweep.yaml", "--run", "sweep", "--threads", "1", *UNJUDGED)
    done = without_a_device("-m", "connprune", *words, cwd=tmp_path, variables=failing(tmp_path))
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "failed").exists(), done.stderr
    assert statuses(tmp_path / "sweep") == ["failed", "finished", "finished"], done.stderr
    told = [line for line in done.stderr.splitlines() if "failed (CUDA error: an illegal memory access" in line]
    assert len(told) == 1, done.stderr
    assert "1 of 3 trainings are not finished" in done.stderr
    assert "Traceback" not in done.stderr
    again = without_a_device("-m", "connprune", *words, "--resume", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert statuses(tmp_path / "sweep") == ["finished"] * SEEDS


@pytest.mark.slow
def test_a_fault_while_several_take_turns_ends_none_that_is_not_at_fault(without_a_device: Run, tmp_path: Path) -> None:
    """It comes in the steps of any of them; a process for each then goes on, in which it does not come again."""
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    words = ("sweep", "sweep.yaml", "--run", "sweep", "--jobs", "2", "--threads", "1", *UNJUDGED)
    done = without_a_device("-m", "connprune", *words, cwd=tmp_path, variables=failing(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "failed").exists(), done.stderr
    assert statuses(tmp_path / "sweep") == ["finished"] * SEEDS
    assert "failed" not in done.stderr


def test_a_fault_in_a_training_of_its_own_is_one_sentence(without_a_device: Run, tmp_path: Path) -> None:
    words = ("train", "--preset", "digits", "--epochs", "1", "--run", "run", "--set", "data.train_images=64", *UNJUDGED)
    done = without_a_device("-m", "connprune", *words, cwd=tmp_path, variables=failing(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "The GPU cuda:0 failed (CUDA error: an illegal memory access was encountered)" in done.stderr
    assert "CONNPRUNE_TRACEBACK" not in done.stderr
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "failed"


def test_a_driver_that_is_too_old_is_named_and_auto_takes_the_cpu(without_a_device: Run, tmp_path: Path) -> None:
    find = (
        "from connprune.training.device import choose_device, find_device\n"
        "for _ in range(2):\n    print(choose_device('auto', lambda text: print('warned:', text)))\n"
        "find_device('cuda')\n"
    )
    done = without_a_device("-c", find, cwd=tmp_path, variables={"RUNTIME_DRIVER": "11040"})
    told, device, *_ = done.stdout.splitlines()
    assert re.match(
        r"warned: device auto: the NVIDIA driver.* knows CUDA up to 11\.4, but this torch is built for "
        r"CUDA \d+\.\d+: .*; cpu is used$",
        told,
    ), done.stdout
    assert device == "cpu"
    assert "ArgumentError: device: found cuda, but the NVIDIA driver" in done.stderr
    # torch's own words, which say what nobody here can do, are ours now.
    assert "UserWarning" not in done.stderr


def test_what_cannot_add_up_in_a_fixed_order_is_named(without_a_device: Run, tmp_path: Path) -> None:
    words = ("train", "--preset", "digits", "--epochs", "1", "--run", "run", "--set", "training.deterministic=true")
    pooled = without_a_device(
        "-m", "connprune", *words, "--set", "merge.interpolation=max-pool", *UNJUDGED, cwd=tmp_path
    )
    assert (pooled.returncode, pooled.stdout) == (2, "")
    assert re.search(r"training\.deterministic: adaptive_max_pool2d_backward_cuda of torch \S+ adds up", pooled.stderr)
    assert "Traceback" not in pooled.stderr
    own = {"CUBLAS_WORKSPACE_CONFIG": ":4096:2"}
    told = without_a_device("-m", "connprune", *words, "--run", "own", *UNJUDGED, cwd=tmp_path, variables=own)
    assert (told.returncode, told.stdout) == (2, "")
    assert "found CUBLAS_WORKSPACE_CONFIG=:4096:2, expected :4096:8 or :16:8" in told.stderr
