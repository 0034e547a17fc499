"""What the shell offers, asked as a shell asks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connprune.architecture.presets import preset_names
from connprune.cli import completion
from connprune.documents.run import STARTS
from connprune.errors import UsageError
from connprune.export.formats import FORMATS
from connprune.training.configuration import resolve
from connprune.training.evaluating import PARTS
from connprune.training.key_paths import configuration_keys
from connprune.training.pruning import GRANULARITIES
from tests.conftest import TINY, Command, Run

# What the scripts that `--show-completion` prints set.
SHELLS = {
    "bash": lambda words: {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)},
    "zsh": lambda words: {"_TYPER_COMPLETE_ARGS": words},
    "fish": lambda words: {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


@pytest.fixture
def offered(command: Command, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """What a shell is offered for a line whose last word is being typed."""

    def complete(words: str, shell: str = "bash") -> list[str]:
        with monkeypatch.context() as patch:
            patch.setenv("_CONNPRUNE_COMPLETE", f"complete_{shell}")
            for name, value in SHELLS[shell](words).items():
                patch.setenv(name, value)
            outcome = command()
        assert outcome.code == 0, outcome.err
        return re.findall(r'"([^"]+)"(?::"[^"]*")?', outcome.out) if shell == "zsh" else outcome.out.split()

    return complete


@pytest.mark.parametrize("shell", SHELLS)
def test_values_are_offered(offered, shell: str) -> None:  # type: ignore[no-untyped-def]
    assert offered("connprune train --preset ", shell) == preset_names()
    assert offered("connprune train --preset bl", shell) == ["blog", "blog-3"]
    assert offered("connprune presets seq", shell) == ["sequence"]
    assert offered("connprune train --data cifar1", shell) == ["cifar10", "cifar100"]
    assert offered("connprune prune --by s", shell) == ["strength", "saliency"]
    assert offered("connprune export --format o", shell) == ["onnx"]
    assert offered("connprune train --set gates.penalty_", shell) == ["gates.penalty_warmup="]
    assert offered("connprune retrain --against parent,de", shell) == ["parent,dense", "parent,dense-scaled"]
    assert "retrain" in offered("connprune ret", shell)
    assert "--epochs" in offered("connprune train --ep", shell)


def test_runs_are_offered(offered, command: Command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    command("train", *TINY, "--epochs", "1", "--run", "runs/first")
    command("train", *TINY, "--epochs", "1", "--run", "other/second")
    (tmp_path / "runs" / "notes").mkdir()
    assert offered("connprune prune ") == ["runs/first"]
    assert offered("connprune prune runs/f") == ["runs/first"]
    assert offered("connprune inspect --runs other ") == ["other/second"]
    assert offered("connprune prune nothing") == []


def test_the_names_are_those_that_there_are() -> None:
    assert list(completion.GRANULARITIES) == list(GRANULARITIES)
    assert completion.FORMATS == FORMATS
    assert completion.PARTS == PARTS
    assert completion.STARTS == STARTS


def test_the_keys_are_those_of_the_configuration() -> None:
    keys = configuration_keys()
    assert {"training.epochs", "gates.initialisation.deviation", "data.augment.flip", "merge.aggregate"} <= set(keys)
    assert len(keys) == len(set(keys))
    for key in keys:
        if key.count(".") == 0:
            with pytest.raises(UsageError) as refused:
                resolve(preset="digits", assignments=[f"{key}=[[]]"])
            assert "there is no such key" not in str(refused.value)


def test_completion_needs_no_torch() -> None:
    environment = {**os.environ, "_CONNPRUNE_COMPLETE": "complete_bash"}
    for words in ("connprune train --preset ", "connprune prune ", "connprune train --set training."):
        asked = {**environment, "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "connprune"],
            capture_output=True,
            text=True,
            check=True,
            env=asked,
        )
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert not imported & {"torch", "matplotlib", "ray"}
        assert ("connprune.architecture" in imported) == ("--set" in words)


def test_completion_can_be_installed(connprune: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The shell is given by name: what runs the tests may be none.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "_CONNPRUNE_COMPLETE=complete_bash" in connprune("--show-completion", "bash").stdout
    monkeypatch.setenv("HOME", str(tmp_path))
    assert connprune("--install-completion", "bash").returncode == 0
    assert "connprune" in (tmp_path / ".bashrc").read_text()
