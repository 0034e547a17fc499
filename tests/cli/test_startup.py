"""Help is instant, complete, and needs no torch."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from connprune.cli.app import PANELS, command_line
from tests.conftest import Command, Run

TREE: Any = typer.main.get_command(command_line())
COMMANDS = [name for name, command in TREE.commands.items() if not command.hidden]


def imported(*command: str, **variables: str) -> set[str]:
    """The modules that a Python imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables},
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


COMPLETING = {"_CONNPRUNE_COMPLETE": "complete_bash", "COMP_WORDS": "connprune train --preset ", "COMP_CWORD": "3"}


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--help"], {}),
        (["train", "--help"], {}),
        (["--version"], {}),
        (["presets"], {}),
        (["presets", "digits"], {}),
        ([], COMPLETING),
    ],
    ids=lambda value: " ".join(value) or "completion",
)
def test_what_looks_nothing_up_needs_few_modules(arguments: list[str], variables: dict[str, str]) -> None:
    """At most twice as many as the libraries of the command line; seconds are measured by benchmarks/startup.py."""
    libraries = imported("-c", "import typer, rich")
    modules = imported("-m", "connprune", *arguments, **variables)
    assert "typer" in modules
    assert not modules & {"pydantic", "markdown_it", "pygments", "yaml", "torch", "numpy"}
    assert len(modules) <= 2 * len(libraries)


def test_a_list_of_runs_needs_no_torch(tmp_path: Path) -> None:
    modules = imported("-m", "connprune", "runs", str(tmp_path))
    assert not modules & {"torch", "torchvision", "numpy", "matplotlib", "ray", "connprune.architecture"}
    # Nor what only working in a run does, nor documents of which there are none here.
    others = {f"connprune.documents.{name}" for name in ("comparison", "cut", "differences", "environment")}
    assert not modules & {"filelock", *others}
    (tmp_path / "run").mkdir()
    modules = imported("-m", "connprune", "runs", str(tmp_path), "--filter", "training.epochs=3")
    assert "connprune.training.configuration" in modules
    assert not modules & {"torch", "torchvision", "numpy", "matplotlib", "ray"}


def test_what_packages_add_to_pydantic_is_not_looked_for(tmp_path: Path) -> None:
    package = tmp_path / "site" / "observing-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Name: observing\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[pydantic]\nobserving = observing:plugin\n")
    (tmp_path / "site" / "observing.py").write_text("plugin = None\n")
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))
    modules = imported("-m", "connprune", "runs", "--json", "--runs", str(tmp_path / "none"), PYTHONPATH=path)
    assert "pydantic" in modules
    assert "observing" not in modules


def test_help_lists_commands_as_they_call_themselves() -> None:
    """Without importing them it has their first lines from a table."""
    for panel in PANELS.values():
        for name, summary in panel.items():
            assert TREE.commands[name].help.split("\n\n")[0].replace(r"\[", "[") == summary


def test_an_option_that_is_left_out_is_what_typer_makes_of_it() -> None:
    """Conversions are spared where they would change nothing."""
    context = TREE.commands["retrain"].make_context("retrain", [])
    assert {name: context.params[name] for name in ("cuts", "against", "seeds", "run", "device", "quiet")} == {
        "cuts": (),
        "against": (),
        "seeds": None,
        "run": None,
        "device": "auto",
        "quiet": False,
    }
    context = TREE.commands["retrain"].make_context("retrain", ["a", "b", "--run", "c", "--seed", "4"])
    assert (context.params["cuts"], context.params["run"], context.params["seed"]) == (["a", "b"], Path("c"), 4)
    with pytest.raises(typer.TyperException, match="Missing"):
        TREE.commands["check"].make_context("check", [])


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "--preset", "blog"],
        ["inspect", "--config", "mine.yaml"],
        ["check", "mine.yaml"],
        ["check", "mine.yaml", "--explain"],
        ["check", "wrong.yaml"],
        ["check", "sweep.yaml"],
    ],
)
def test_what_only_reads_a_configuration_needs_no_torch(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("preset: digits\ntraining: {epochs: 3}\n")
    (tmp_path / "sweep.yaml").write_text("base: {preset: digits}\naxes: {gates.penalty: [0.001]}\n")
    (tmp_path / "wrong.yaml").write_text("preset: digits\ntraining: {epochs: 0}\n")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "connprune", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == (2 if "wrong.yaml" in arguments else 0)
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pydantic" in modules
    assert not modules & {"torch", "torchvision", "matplotlib", "ray"}
    if arguments[0] == "inspect":
        return  # It shows gates, and of images it may have to decode one.
    assert not modules & {"numpy", "PIL", "filelock"}
    # Of experiments a sweep alone is one.
    assert "sweep.yaml" in arguments or not modules & {
        "connprune.runs.directory",
        "connprune.training.callbacks",
        "connprune.experiments.plan",
    }
    assert ("connprune.training.origins" in modules) == ("--explain" in arguments)


def test_a_training_does_not_wait_for_the_compiler(tmp_path: Path) -> None:
    arguments = ["train", "--preset", "digits", "--epochs", "1", "--run", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "connprune", *arguments], capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "torch" in imported
    assert not imported & {"torch._dynamo", "torch._inductor", "torch.onnx"}


def test_every_command_is_in_the_help(command: Command) -> None:
    text = command("--help").out
    assert all(f"\n│ {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_every_command_explains_itself(command: Command, monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    """In 80 columns, whatever the width of the terminal that the tests run in."""
    monkeypatch.setenv("COLUMNS", "80")
    outcome = command(*filter(None, [name]), "--help")
    assert outcome.code == 0
    assert f"Usage: connprune {name or '[OPTIONS]'}" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert "…\n" not in outcome.out, "something is cut off"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_that_parses(command: Command, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    examples = re.findall(r"\$ connprune (.*?) *$", command(name, "--help").out, re.MULTILINE)
    assert any(example.startswith(name) for example in examples), "an example"
    for example in examples:
        words = shlex.split(example.partition("|")[0].partition(">")[0])
        _, meant, rest = TREE.resolve_command(TREE.make_context("connprune", list(words)), words)
        meant.make_context(meant.name, rest)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_in_a_panel(name: str) -> None:
    for parameter in TREE.commands[name].params:
        assert getattr(parameter, "help", None), parameter.name
    panels = {getattr(parameter, "rich_help_panel", None) for parameter in TREE.commands[name].params}
    assert panels - {None} or len(TREE.commands[name].params) < 4


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_names_values_and_not_the_types_of_python(command: Command, name: str) -> None:
    shown = command(*name.split(), "--help")
    assert "--help" in shown.out
    assert not re.search(r"<[a-zA-Z]", shown.out)


def test_slips_are_answered_with_what_was_meant(command: Command) -> None:
    assert "'train'" in command("tran").err
    assert "--epochs" in command("train", "--epoch", "3").err


def test_version(connprune: Run) -> None:
    from connprune import __version__

    assert connprune("--version").stdout == f"connprune {__version__}\n"
