"""What `training.precision` stands for where, and that a training leaves torch's own settings as they were.

The settings of CUDA's libraries are there without a device; what a step on one does is in tests/cuda.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune.errors import UsageError
from connprune.training.configuration import read_configuration, resolve, resolve_resumed
from connprune.training.layered import Setting
from connprune.training.precision import _ROUNDED, Precision, computing_in, precision_on, products_in
from connprune.training.recipe import Recipe
from tests.training.helpers import SMALL, configuration, go_on, lasting, start, train

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


# Each inherits from the one before it in its row.
BACKENDS: list[Any] = [
    torch.backends,
    torch.backends.cuda.matmul,
    torch.backends.cudnn,
    torch.backends.cudnn.conv,  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn,
]
CHANGES = st.lists(st.tuples(st.sampled_from(BACKENDS), st.sampled_from(["none", "ieee", "tf32"])), max_size=4)


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


@given(CHANGES, CHANGES)
def test_what_a_setting_inherits_it_goes_on_to_inherit(
    before: list[tuple[Any, str]], after: list[tuple[Any, str]]
) -> None:
    """A program may change what a setting inherits from, before a training and after it."""

    def read(within: Callable[[], AbstractContextManager[None]]) -> list[str]:
        for setting in BACKENDS:
            setting.fp32_precision = "none"
        for setting, value in before:
            setting.fp32_precision = value
        with within():
            pass
        for setting, value in after:
            setting.fp32_precision = value
        return [setting.fp32_precision for setting in BACKENDS]

    defaults = [setting.fp32_precision for setting in BACKENDS]
    try:
        assert read(lambda: products_in("float32", CUDA)) == read(nullcontext)
    finally:
        for setting, value in zip(BACKENDS, defaults, strict=True):
            setting.fp32_precision = value


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
