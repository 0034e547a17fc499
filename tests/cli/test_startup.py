"""Help is instant, complete, and needs no torch."""

import subprocess
import sys

import pytest

from tests.conftest import Command, Run

COMMANDS = ["train", "inspect", "prune", "retrain", "export", "data", "presets"]


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"], ["presets"]])
def test_no_torch_is_imported(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "connprune", *arguments], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"torch", "torchvision", "numpy", "matplotlib", "ray"}


def test_inspecting_a_preset_needs_no_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "connprune", "inspect", "--preset", "blog"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not any(line.endswith(" torch") for line in done.stderr.splitlines())


def test_every_command_is_in_the_help(command: Command) -> None:
    text = command("--help").out
    assert all(f"\n  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command: Command, name: str) -> None:
    text = command(name, "--help").out
    assert text.startswith(f"Usage: connprune {name}")
    assert f"connprune {name}" in text.partition("Options:")[0].partition("\n")[2], "an example"
    assert max(map(len, text.splitlines())) <= 100


def test_version(connprune: Run) -> None:
    from connprune import __version__

    assert connprune("--version").stdout == f"connprune {__version__}\n"
