"""What `training.precision` stands for where, and that a training leaves torch's own settings as they were.

The settings of CUDA's libraries are there without a device; what a step on one does is in tests/cuda.
"""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import get_args

import pytest
import torch

from connprune.errors import UsageError
from connprune.training.configuration import read_configuration, resolve, resolve_resumed
from connprune.training.layered import Setting
from connprune.training.precision import _ROUNDED, Precision, computing_in, precision_on, products_in
from connprune.training.recipe import Recipe
from tests.training.helpers import SMALL, configuration, go_on, lasting, start, train

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


# What a program may set before a training, and afterwards, in a process of its own: others would find it set. For each
# case in which a setting would be another without the training in between, a line.
INHERITED = """
from itertools import product
import torch
from torch import backends
from connprune.training.precision import products_in

settings = [backends, backends.cuda.matmul, backends.cudnn, backends.cudnn.conv, backends.cudnn.rnn]
changes = list(product(range(5), ["none", "ieee", "tf32"]))

def read(before, after, trains):
    for setting in settings:
        setting.fp32_precision = "none"
    for number, value in before:
        settings[number].fp32_precision = value
    if trains:
        with products_in("float32", torch.device("cuda", 0)):
            pass
    for number, value in after:
        settings[number].fp32_precision = value
    return [setting.fp32_precision for setting in settings]

for *before, after in product(changes, repeat=3):
    if read(before, [after], True) != read(before, [after], False):
        print(before, after)
print("done")
"""


def settings() -> list[str]:
    return [setting.fp32_precision for setting, *_ in _ROUNDED]


def test_without_a_gpu_all_but_bfloat16_is_exact() -> None:
    found = {asked: precision_on(CPU, asked) for asked in ("auto", *get_args(Precision))}
    assert found == {"auto": "float32", "float32": "float32", "tf32": "float32", "bfloat16": "bfloat16"}


@pytest.mark.parametrize(
    ("within", "precision"),
    [*((products_in, each) for each in get_args(Precision)), (computing_in, "float32"), (computing_in, "tf32")],
)
def test_products_are_rounded_in_there_and_as_before_afterwards(
    within: Callable[[Precision, torch.device], AbstractContextManager[None]], precision: Precision
) -> None:
    before = settings()
    with within(precision, CUDA):
        assert set(settings()) == {"tf32" if precision == "tf32" else "ieee"}
        with products_in("tf32", CUDA):
            assert set(settings()) == {"tf32"}
        assert set(settings()) == {"tf32" if precision == "tf32" else "ieee"}
    assert settings() == before


def test_what_a_setting_inherits_it_goes_on_to_inherit() -> None:
    done = subprocess.run([sys.executable, "-c", INHERITED], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_what_fails_in_there_leaves_the_settings_as_they_were() -> None:
    before = settings()
    with pytest.raises(ZeroDivisionError), computing_in("tf32", CUDA):
        _ = 1 / 0
    assert settings() == before


def test_on_a_cpu_the_settings_of_cuda_are_not_touched() -> None:
    before = settings()
    with computing_in("tf32", CPU):
        assert settings() == before


def test_auto_is_what_float32_was_on_a_cpu_and_the_run_says_so(tmp_path: Path) -> None:
    by_default, stated = train(tmp_path / "auto"), train(tmp_path / "stated", "training.precision=float32")
    assert Recipe().precision == "auto"
    assert lasting(by_default) == lasting(stated)
    assert by_default.config.read_bytes() == stated.config.read_bytes()
    assert read_configuration(by_default).training.precision == "float32"
    for run in (by_default, stated):
        assert '"precision": "float32"' in run.environment.read_text()


def test_a_run_keeps_the_precision_in_which_it_began(tmp_path: Path) -> None:
    """Also one from before there was `auto`, whose configuration says float32."""
    run = start(tmp_path / "run", configuration("training.precision=tf32"))
    go_on(run, configuration("training.precision=tf32"))
    more = ["training.epochs=4"]
    wanted = resolve_resumed(run, "digits", None, map(Setting.read, [*SMALL, *more]))
    assert wanted.training.precision == "tf32"
    assert resolve_resumed(run, None, None, map(Setting.read, more)).training.precision == "tf32"
    with pytest.raises(UsageError, match=r"training\.precision \(was 'tf32', now 'float32'\)"):
        resolve_resumed(run, "digits", None, map(Setting.read, [*SMALL, *more, "training.precision=float32"]))


def test_only_auto_is_decided_by_the_device() -> None:
    assert resolve("digits").with_precision("tf32").training.precision == "tf32"
    assert resolve("strong").with_precision("tf32").training.precision == "bfloat16"
    exact = resolve("digits", assignments=["training.precision=float32"])
    assert exact.with_precision("tf32") is exact
