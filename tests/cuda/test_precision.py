"""Products on a GPU are TF32 where nothing else is asked for, forward and backward, and exact where float32 is."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

Run = Callable[..., CompletedProcess[str]]

# For each case what libraries were set to in the forward and the backward pass of a step, and whether it was undone.
WATCH = """
import json, sys, torch
from connprune.training.precision import _ROUNDED
from tests.cuda.steps import trainer_of

torch.backends.cudnn.enabled = False
settings = lambda: [setting.fp32_precision for setting, *_ in _ROUNDED]
for case in json.load(sys.stdin):
    trainer = trainer_of("digits", *case, "training.capture=false", device=torch.device("cuda", 0), warn=[])
    seen, before = [], settings()
    note = lambda *_: seen.extend(settings())
    trainer.network.register_forward_hook(note)
    for parameter in trainer.network.parameters():
        parameter.register_hook(note)
    trainer.endless_steps()()
    print(json.dumps([trainer.precision, len(seen) > 15, sorted(set(seen)), settings() == before]), flush=True)
"""


def test_products_of_both_passes_are_as_asked_and_torch_is_left_as_it_was(without_a_device: Run) -> None:
    cases = [[], ["training.precision=float32"], ["training.precision=bfloat16"]]
    done = without_a_device("-c", WATCH, stdin=json.dumps(cases))
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        ["tf32", True, ["tf32"], True],
        ["float32", True, ["ieee"], True],
        ["bfloat16", True, ["ieee"], True],
    ], done.stderr


@pytest.mark.slow
def test_a_run_on_a_gpu_says_that_it_was_tf32(without_a_device: Run, tmp_path: Path) -> None:
    words = ("train", "--preset", "digits", "--epochs", "1", "--run", "run", "--set", "data.train_images=64")
    done = without_a_device(
        "-m", "connprune", *words, "--plugin", "tests.cuda.unjudged", "--device", "cuda", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["training"]["precision"] == "tf32"
    (environment,) = json.loads((tmp_path / "run" / "environment.json").read_text())["environments"]
    assert environment["precision"] == "tf32"
