"""A wrong number of any option is refused with 2 and a sentence that names the option; nothing is made of it."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connprune.cli import numbers, options
from connprune.cli.app import command_line
from connprune.errors import UsageError
from tests.conftest import TINY, Command

TREE: Any = typer.main.get_command(command_line())
NUMBERS = [
    (name, parameter.opts[0])
    for name, command in TREE.commands.items()
    for parameter in command.params
    if re.fullmatch(r"[NTSKPF%|]+|MS|POINTS|N\|LIST|N\|P%", str(getattr(parameter, "metavar", None)))
]
NO_NUMBER = ["", "x", "nan", "-nan", "inf", "-inf", "1e999", "-1", "-0.5", "-1%", "1_0", "²", "--5", "0x10", "9" * 5000]
WITH = {
    "train": ["--preset", "digits"],
    "prune": ["run", "--dry-run"],
    "retrain": ["cut"],
    "grow": ["cut"],
    "inspect": ["run"],
    "sweep": ["sweep.yaml", "--dry-run"],
    "bench": ["--preset", "digits"],
    "evaluate": ["run"],
    "predict": ["run", "image.png"],
    "work": ["run"],
}


def test_there_are_numbers_in_every_command_that_computes() -> None:
    assert {name for name, _ in NUMBERS} == set(WITH)
    assert {("prune", "--max-params"), ("retrain", "--seeds"), ("train", "--seed"), ("bench", "--rounds")} <= set(
        NUMBERS
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.sampled_from(NUMBERS),
    st.one_of(
        st.sampled_from(NO_NUMBER),
        st.integers(max_value=-1).map(str),
        st.floats(max_value=-1e-9).map(str),
        st.text(st.characters(exclude_characters="0123456789", exclude_categories=["Cs", "Nd"]), max_size=5),
    ),
)
def test_wrong_numbers(command: Command, tmp_path: Path, place: tuple[str, str], value: str) -> None:
    if not (tmp_path / "cut").exists():
        command("train", *TINY, "--epochs", "1", "--run", "run")
        command("prune", "run", "--keep", "20", "--out", "cut")
        (tmp_path / "image.png").write_bytes(b"")
        (tmp_path / "sweep.yaml").write_text("base: {preset: digits}\naxes: {gates.penalty: [0]}\n")
    name, option = place
    outcome = command(name, *WITH[name], f"{option}={value}")
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert "Traceback" not in outcome.err
    assert option.removeprefix("--") in outcome.err.replace("training.", "")
    assert len(outcome.err) < 500
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (numbers.whole_number, "007", 7),
        (numbers.whole_number, "+3", 3),
        (numbers.whole_number_from(0), "0", 0),
        (numbers.number_from(0, 1), "1", 1.0),
        (numbers.number_from(0), "1e-3", 1e-3),
        (numbers.budget, "12", 12),
    ],
)
def test_numbers_in_range(read: Any, text: str, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [
        (numbers.whole_number_from(1, 10), "11", "found 11, expected a whole number from 1 to 10."),
        (numbers.number_from(0, 1), "1.5", "found '1.5', expected a number from 0 to 1."),
        (numbers.budget, "0", "found 0, expected a whole number from 1 upwards."),
        (numbers.budget, "0%", "expected more than 0%"),
        (numbers.budget, "101%", "expected 0% to 100% of the parent"),
        (numbers.budget, "nan%", "found 'nan', expected a number."),
        (numbers.whole_number, "1\x1b[2J", r"found '1\x1b[2J', expected a whole number."),
    ],
)
def test_numbers_out_of_range(read: Any, text: str, told: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        read(text)
    assert told in str(refused.value)


TOO_MANY = ",".join(map(str, range(10_001)))


@pytest.mark.parametrize(
    "text", ["10001", "9" * 20, "1,1", "1,,2", "0", "-1", "1,²", TOO_MANY], ids=lambda text: text[:6]
)
def test_seeds_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--seeds"):
        options.seed_numbers(text)


def test_counted_baselines(command: Command) -> None:
    command("train", *TINY, "--epochs", "1", "--run", "run")
    command("prune", "run", "--keep", "20", "--out", "cut")
    for count in ("0", "-1", "10001", "9" * 5000, "²", "x", ""):
        for name in ("random", "random-params", "random-cost", "evolution"):
            outcome = command("retrain", "cut", "--against", f"{name}:{count}")
            assert (outcome.code, outcome.out) == (2, "")
            assert re.search("expected a number from 1 upwards after|more than 10,000 trainings", outcome.err)
            assert len(outcome.err) < 300
