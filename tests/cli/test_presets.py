"""Presets as files to start from, and what is said of where a configuration's values are from."""

from pathlib import Path

import pytest

from connprune.architecture.presets import preset_names
from connprune.architecture.strict_yaml import parse
from tests.conftest import Command


def test_names_are_bare_for_a_script(command: Command) -> None:
    assert command("presets", "--names").out.splitlines() == preset_names()
    assert command("presets", "--names", "--json").json["presets"] == preset_names()
    assert command("presets", "digits", "--names").code == 2


def test_a_printed_preset_trains_what_the_preset_does(command: Command, tmp_path: Path) -> None:
    for name in command("presets", "--names").out.split():
        (tmp_path / "p.yaml").write_text(command("presets", name).out)
        named = command("train", "--preset", name, "--dry-run", "--json")
        assert named.code == 0
        assert command("train", "--config", "p.yaml", "--dry-run", "--json").out == named.out
        assert command("check", "p.yaml").err == ""


def test_a_dry_run_explains_itself(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("layers: [{kind: conv, feature_maps: 4}]\ndata: {source: digits}\n")
    plain = command("train", "--config", "mine.yaml", "--seed", "3", "--dry-run")
    assert "configuration: mine.yaml over the defaults, since it has layers of its own" in plain.err
    outcome = command("train", "--config", "mine.yaml", "--seed", "3", "--dry-run", "--explain")
    assert parse(outcome.out, "it").data == parse(plain.out, "it").data
    lines = outcome.out.splitlines()
    assert {"  - name: conv1  # default", "    feature_maps: 4  # mine.yaml, line 1"} <= set(lines)
    assert {"  source: digits  # mine.yaml, line 2", "  seed: 3  # --seed 3", "gates: null  # default"} <= set(lines)
    document = command("train", "--config", "mine.yaml", "--seed", "3", "--dry-run", "--explain", "--json").json
    assert f"{document['explained']}\n" == outcome.out
    assert document["configuration"] == plain.out
    checked = command("check", "mine.yaml", "--explain")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out == outcome.out.replace("3  # --seed 3", "1337  # default").replace(
        "split_seed: 3", "split_seed: 1337"
    )
    assert command("check", "mine.yaml", "--explain", "--json").json["explained"] == checked.out.rstrip("\n")
    assert command("check", "mine.yaml", "--json").json["explained"] is None
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--preset", "digits", "--explain"], "--explain goes with --dry-run"),
        (["train", "--resume", "--dry-run", "--explain"], "--explain goes with --dry-run, and not with --resume"),
        (["check", "sweep.yaml", "--explain"], "sweep.yaml is no configuration: sweep"),
    ],
)
def test_what_cannot_be_explained(command: Command, tmp_path: Path, arguments: list[str], told: str) -> None:
    (tmp_path / "sweep.yaml").write_text("base: {preset: digits}\naxes: {training.epochs: [1, 2]}\n")
    outcome = command(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_schemas_are_printed(command: Command) -> None:
    presets = command("presets", "--json").json["presets"]
    assert command("schema").json["properties"]["preset"]["enum"] == [*presets, None]
    assert {"base", "seeds", "axes"} == set(command("schema", "sweep").json["properties"])
    refused = command("schema", "sweeps")
    assert (refused.code, refused.out) == (2, "")
    assert "did you mean 'sweep'?" in refused.err
