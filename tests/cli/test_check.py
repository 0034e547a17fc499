"""`connprune check`: everything that is wrong at once, or that it is valid."""

import shutil
from pathlib import Path

import pytest

from connprune.architecture.presets import preset_names, preset_text
from tests.conftest import TINY, Command, Run


def test_presets_are_well(command: Command, tmp_path: Path) -> None:
    for name in preset_names():
        (tmp_path / "mine.yaml").write_text(preset_text(name))
        outcome = command("check", "mine.yaml")
        assert (outcome.code, outcome.out) == (0, "mine.yaml: valid (configuration)\n"), outcome.err
        assert outcome.err == ""


def test_every_mistake_of_a_configuration_has_its_place(command: Command, tmp_path: Path) -> None:
    text = "preset: digits\ntrainin: {epochs: 3}\ngates:\n  kind: sigmoit\ntraining:\n  epochs: 0\n"
    (tmp_path / "mine.yaml").write_text(text)
    outcome = command("check", "mine.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("mine.yaml, line") == 3
    outcome = command("check", "mine.yaml", "--json")
    assert (outcome.code, outcome.err) == (2, "")
    found = outcome.json
    assert (found["schema"], found["kind"], found["is_valid"]) == (2, "configuration", False)
    places = {(mistake["file"], mistake["line"], mistake["column"]) for mistake in found["mistakes"]}
    assert places == {("mine.yaml", 2, 1), ("mine.yaml", 4, 3), ("mine.yaml", 6, 3)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "preset: digits\ngates: {penalty_warmup: 50}\ntraining: {epochs: 50}\n",
            "full weight after 50 epochs, and there are 50",
        ),
        (
            "preset: strong\ngates: {kind: linear}\n",
            "what head and 12 more merge is normalised",
        ),
        (
            "preset: digits\ngates: {kind: linear}\n",
            "gates.temperature: linear gates have none",
        ),
        (
            "preset: digits\ngates: {penalty: 0, penalise: expected-cost, budget: {macs: 40%}, penalty_warmup: 50}\n"
            "training: {epochs: 50}\n",
            "the budget counts only after 50 epochs, and there are 50",
        ),
        (
            "preset: strong\ngates: {kind: sigmoid, penalty: 0, penalise: expected-cost, budget: {macs: 40%}}\n",
            "what head and 12 more merge is normalised",
        ),
        ("preset: strong\ngates: {kind: hard-concrete, penalise: expected-cost, budget: {macs: 40%}}\n", None),
        ("preset: strong\ngates: {kind: sigmoid, penalise: entropy}\n", None),
        ("preset: digits\ntraining: {epochs: 3}\n", None),
        ("preset: digits\ngates: {penalty: 0}\ntraining: {epochs: 2}\n", None),
        ("preset: digits\ngates: none\ntraining: {epochs: 2}\n", None),
    ],
)
def test_what_is_hardly_meant_is_said(command: Command, tmp_path: Path, text: str, told: str | None) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    outcome = command("check", "mine.yaml")
    assert outcome.code == 0
    assert outcome.out == "mine.yaml: valid (configuration)\n"
    advice = command("check", "mine.yaml", "--json").json["advice"]
    trained = command("train", "--config", "mine.yaml", "--data", "digits", "--dry-run").err
    if told is None:
        assert outcome.err == ""
        assert advice == []
        assert "Note:" not in trained
    else:
        assert told in outcome.err
        assert [sentence for sentence in advice if told in sentence]
        assert told in trained


def test_a_file_whose_name_has_brackets_is_named_whole(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine (old).yaml").write_text("preset: digits\ntraining: {epochs: 0}\n")
    (mistake,) = command("check", "mine (old).yaml", "--json").json["mistakes"]
    assert (mistake["file"], mistake["line"]) == ("mine (old).yaml", 2)


def test_text_that_is_no_yaml(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("training:\n  epochs: [1\n")
    found = command("check", "mine.yaml", "--json").json
    assert (found["kind"], found["mistakes"][0]["line"]) == ("YAML", 3)


@pytest.mark.parametrize("text", ["training: {epochs: 0}", "base: {preset: digits}\naxes: {training.epochs: [0]}"])
def test_a_pipe_is_read_once(connprune: Run, text: str) -> None:
    """What a shell makes of <(…), too, of which a second look would find nothing."""
    done = connprune("check", "/dev/stdin", stdin=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "training.epochs: found 0" in done.stderr
    assert connprune("check", "/dev/stdin", stdin=text.replace("0", "3")).returncode == 0


def test_every_cell_of_a_sweep_is_looked_at(command: Command, tmp_path: Path) -> None:
    text = "base: {preset: digits}\naxes:\n  training.epochs: [1, 0]\n  gates.kind: [linear, sigmoit]\n"
    (tmp_path / "sweep.yaml").write_text(text)
    outcome = command("check", "sweep.yaml")
    assert outcome.code == 2
    assert "training.epochs: found 0" in outcome.err
    assert "did you mean 'sigmoid'?" in outcome.err
    (tmp_path / "sweep.yaml").write_text("base: {preset: digits}\naxes: {training.epochs: [1, 2]}\n")
    assert command("check", "sweep.yaml").out == "sweep.yaml: valid (sweep)\n"


def test_an_architecture(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "mine")
    assert command("check", "mine/architecture.yaml").out.endswith("valid (architecture)\n")
    text = (tmp_path / "mine" / "architecture.yaml").read_text()
    (tmp_path / "other.yaml").write_text(text.replace("classes: 10", "classes: 1\nclases: 10"))
    found = command("check", "other.yaml", "--json").json
    assert found["kind"] == "architecture"
    assert len(found["mistakes"]) == 2
    assert all(mistake["file"] == "other.yaml" and mistake["line"] for mistake in found["mistakes"])


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


FILES = ["config.yaml", "architecture.yaml", "metrics.jsonl", "gates.safetensors", "best.safetensors"]
FILES += ["final.safetensors", "checkpoint/latest.safetensors", "checkpoint/previous.safetensors", "summary.json"]


def test_every_file_of_a_run_is_verified(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--set", "training.checkpoint_epochs=1", "--run", "mine")
    command("prune", "mine", "--keep", "20", "--out", "cut")
    for run in ("mine", "cut"):
        assert command("check", run).code == 0
    for run, name in [*(("mine", name) for name in FILES), ("cut", "cut.json"), ("cut", "parent.yaml")]:
        whole = (tmp_path / run / name).read_bytes()
        changed(tmp_path / run / name)
        outcome = command("check", run)
        assert (outcome.code, outcome.out) == (2, ""), name
        assert f"{run}/{name}: this file is damaged" in outcome.err
        assert outcome.err.count("\n") == 1, outcome.err
        (tmp_path / run / name).write_bytes(whole)
    changed(tmp_path / "mine" / "best.safetensors")
    (tmp_path / "mine" / "final.safetensors").unlink()
    mistakes = command("check", "mine", "--json").json["mistakes"]
    assert [mistake["file"] for mistake in mistakes] == ["mine/final.safetensors", "mine/best.safetensors"]
    assert "mine/final.safetensors: this file is missing" in mistakes[0]["message"]


def test_weights_of_another_network(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "mine")
    command("train", *TINY, "--set", "layers.0.feature_maps=3", "--run", "other")
    shutil.copy(tmp_path / "other" / "final.safetensors", tmp_path / "mine")
    outcome = command("check", "mine")
    assert outcome.code == 2
    assert "do not belong to the architecture" in outcome.err


def test_the_trainings_of_an_experiment(command: Command, tmp_path: Path) -> None:
    command("train", *TINY)
    command("prune", "--keep", "20")
    command("retrain", "--against", "chain", "--epochs", "1", "--run", "compared", "--device", "cpu")
    assert command("check", "compared").out == "compared: valid (comparison)\n"
    for job in (tmp_path / "compared" / "jobs").glob("*/*"):
        changed(job / "best.safetensors")
    changed(tmp_path / "compared" / "plan.json")
    assert len(command("check", "compared", "--json").json["mistakes"]) == 3


@pytest.mark.parametrize(
    ("path", "told"), [("nowhere.yaml", "cannot read this file"), (".", "this directory is no run")]
)
def test_refusals(command: Command, path: str, told: str) -> None:
    outcome = command("check", path)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err
