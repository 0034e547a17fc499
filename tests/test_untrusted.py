"""No file makes connprune import or run code, or write outside of the run that it is part of."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

from connprune.architecture import Architecture
from connprune.architecture.shapes import parameter_count
from connprune.architecture.strict_yaml import Document
from connprune.cli.work import worker_commands
from connprune.documents.plan import SweepPlan
from connprune.errors import UsageError
from connprune.experiments.launch import Place
from connprune.experiments.plan import read
from connprune.files import sealed
from connprune.network import build
from connprune.plugins import load_plugin, registries
from connprune.registry import Registry
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory
from connprune.tensor_files import read_tensors, write_tensors
from connprune.training.configuration import design, resolve_document
from tests.conftest import TINY, Command, Run

# Leaves a trace when it is imported.
TRACE = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


@pytest.mark.parametrize(
    "text",
    [
        "layers: [{kind: trap}]",
        "layers: [{kind: 'trap:Layer'}]",
        "layers: [{kind: ./trap.py}]",
        "layers: [{kind: conv, feature_maps: 4, module: 'trap:Layer'}]",
        "plugin: trap",
        "plugins: [trap]",
        "preset: ../trap",
        "preset: trap",
        "gates: {initialisation: {kind: from-run, run: trap}}\nlayers: [{kind: trap}]",
        "a: !!python/module:trap",
        "a: !!python/name:trap.x",
        "a: !!python/object:trap.X {}",
        "a: !!python/object/apply:os.system [touch ran]",
        "a: !!python/object/new:subprocess.Popen [[touch, ran]]",
    ],
)
def test_a_configuration_imports_nothing(command: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "trap.py").write_text(TRACE)
    (tmp_path / "mine.yaml").write_text(text)
    outcome = command("inspect", "--config", "mine.yaml")
    assert outcome.code == 2, outcome
    assert "trap" not in sys.modules
    assert not (tmp_path / "ran").exists()


def test_the_files_of_a_run_import_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text(TRACE)
    command("train", *TINY, "--run", "run")
    for name in ("architecture.yaml", "config.yaml", "summary.json"):
        path = tmp_path / "run" / name
        whole = path.read_text()
        changed = whole.replace("kind: conv", "kind: trap", 1).replace('"kind": "train"', '"kind": "trap"')
        assert changed != whole
        path.write_text(changed)
        for arguments in (["inspect", "run"], ["prune", "run", "--keep", "20", "--dry-run"]):
            assert command(*arguments).code in (0, 2)
        path.write_text(whole)
    assert "trap" not in sys.modules
    assert not (tmp_path / "ran").exists()


def test_workers_do_not_look_for_libraries_in_the_current_folder(tmp_path: Path) -> None:
    for library in ("yaml", "typer", "torch", "json"):
        (tmp_path / f"{library}.py").write_text(TRACE)
    (command,) = worker_commands(tmp_path / "none", [Place("cpu")], None, [])
    # It ends as soon as its standard input does.
    with subprocess.Popen(
        command.words, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stderr
        assert "it has no plan.json" in worker.stderr.read()
        assert worker.wait() == 2
    assert not (tmp_path / "ran").exists()


def test_a_plugin_does_not_let_the_current_folder_go_before_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "uuid.py").write_text(TRACE)
    with pytest.raises(UsageError, match="defines no layer"):
        load_plugin("uuid")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("registry", registries(), ids=lambda registry: registry.group)
def test_an_installed_part_that_fails_is_named(
    connprune: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry[Any]
) -> None:
    """Whatever is read: no file chooses what is imported."""
    package = tmp_path / "site" / "broken-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Name: broken\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[{registry.group}]\nbroken = nowhere:Part\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=":")
    done = connprune("inspect", "--preset", "digits")
    assert done.returncode == 2
    assert f"offers the {registry.what} 'broken' as nowhere:Part fails: ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("name", ["../../run", "..", ".", "", "/", "/tmp/run", "a/b", "a/", "a\0"])
def test_a_plan_reaches_nothing_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    document = {
        "schema": 2,
        "kind": "sweep",
        "identity": "0",
        "seeds": [1],
        "rows": {"row": [name]},
        "cells": {name: {"axis": "label"}},
    }
    (tmp_path / "plan.json").write_text(json.dumps(sealed(document)))
    with pytest.raises(UsageError, match=r"this file is damaged: .*expected that of a folder"):
        read(tmp_path, SweepPlan)


def test_a_comparison_does_not_train_in_another_run(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "mine/seed-1337")
    command("prune", "mine/seed-1337", "--keep", "30", "--out", "cut")
    assert command("retrain", "cut", "--against", "dense", "--run", "compared", "--list").code == 0
    plan = tmp_path / "compared" / "plan.json"
    document = json.loads(plan.read_text().replace('"dense"\n', '"../../mine"\n'))
    plan.write_text(json.dumps(sealed(document)))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "mine").rglob("*")}
    outcome = command("retrain", "--resume", "--run", "compared")
    assert outcome.code == 2, outcome
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "mine").rglob("*")} == before


def test_the_lock_of_a_run_empties_nothing(command: Command, tmp_path: Path) -> None:
    """A lock that is a link to another file."""
    command("train", *TINY, "--run", "run")
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "run" / ".lock").unlink(missing_ok=True)
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "thesis.txt")
    outcome = command("train", "--resume", "--run", "run")
    assert outcome.code == 2, outcome
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("path", "keys", "told"),
    [
        ("summary.json", ["layers"], "summary.json: this file is damaged: layers: Input should be a valid integer"),
        (
            "summary.json",
            ["final", "test_accuracy"],
            "summary.json: this file is damaged: final.test_accuracy: Input should be a valid number",
        ),
        ("summary.json", ["best"], "summary.json: this file is damaged: best: Input should be a valid object"),
        (
            "metrics.jsonl",
            ["train_loss"],
            "metrics.jsonl, line 1: this file is damaged: train_loss: Input should be a valid number",
        ),
        (
            "metrics.jsonl",
            ["validation_loss"],
            "metrics.jsonl, line 1: this file is damaged: validation_loss: Input should be a valid",
        ),
    ],
)
def test_results_that_lack_numbers(command: Command, tmp_path: Path, path: str, keys: list[str], told: str) -> None:
    command("train", *TINY, "--run", "run")
    file = tmp_path / "run" / path
    lines = file.read_text().splitlines()
    document = json.loads(lines[0] if path.endswith("jsonl") else "\n".join(lines))
    place = document
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = "many"
    if path.endswith("jsonl"):
        file.write_text("\n".join([json.dumps(document), *lines[1:]]))
        run = RunDirectory(tmp_path / "run")
        run.seal(file)
        with pytest.raises(UsageError, match=told):
            run.read_metrics()
        return
    file.write_text(json.dumps(sealed(document)))
    outcome = command("inspect", "run", "--figures", "figures")
    assert outcome.code == 2, outcome
    assert told in outcome.err


def test_gates_of_another_architecture(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "one")
    command("train", *TINY, "--set", "layers.0.name=first", "--set", "connections=dense", "--run", "other")
    (tmp_path / "one" / "gates.safetensors").write_bytes((tmp_path / "other" / "gates.safetensors").read_bytes())
    outcome = command("inspect", "one")
    assert outcome.code == 2, outcome
    assert "these gates do not belong to the architecture beside them" in outcome.err


def test_gates_that_are_no_numbers(tmp_path: Path, digits: Architecture) -> None:
    count = sum(digits.gate_counts)
    for value in (float("nan"), float("inf")):
        written = GateHistory.of(digits, np.full((1, count), value, np.float32)).to_arrays()
        with pytest.raises(UsageError, match=r"gates\.safetensors: this file is damaged: a gate is no finite number"):
            GateHistory.from_arrays(*written, "gates.safetensors")


def test_weights_that_do_not_fit(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "run")
    path = tmp_path / "run" / "final.safetensors"
    whole, _ = read_tensors(path)
    first = whole["layer_conv1.weight"]
    changes: list[dict[str, Tensor | None]] = [
        {"layer_conv1.weight": None},
        {"layer_conv9.weight": first.clone()},
        {"layer_conv1.weight": first[:-1].clone()},
        {"layer_conv1.weight": first[..., None].clone()},
        {"gates.weight": whole["gates.weight"][:-1].clone()},
        {"mean": torch.zeros(3)},
    ]
    for change in changes:
        changed = {name: tensor for name, tensor in {**whole, **change}.items() if tensor is not None}
        write_tensors(path, changed)
        outcome = command("prune", "run", "--keep", "20", "--dry-run")
        assert outcome.code == 2, outcome
        assert "these weights do not belong to the architecture that comes with them" in outcome.err
    write_tensors(path, {**whole, "gates.weight": whole["gates.weight"][:-1].clone()})
    start = ("--set", "gates.initialisation={kind: from-run, run: run}")
    outcome = command("train", *TINY, *start, "--run", "next")
    assert outcome.code == 2, outcome
    assert "these weights do not belong to the architecture that comes with them" in outcome.err


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ({"axes": {"training.batch_size": [8]}, "seeds": 10**9}, "these are 1,000,000,000, more than 10,000 trainings"),
        ({"axes": {f"a{n}": list(range(50)) for n in range(30)}}, "more than 10,000 trainings"),
        ({"axes": {"../x": [1]}}, "../x"),
        ({"axes": {"layers": [[{"kind": "trap"}]]}}, "found the kind 'trap'"),
    ],
)
def test_sweeps_from_others(command: Command, tmp_path: Path, file: dict[str, object], told: str) -> None:
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({"base": {"preset": "digits"}, **file}))
    outcome = command("sweep", "sweep.yaml", "--dry-run")
    assert outcome.code == 2, outcome
    assert told in outcome.err


def test_names_of_layers_stay_away_from_the_network() -> None:
    """A layer may be called like anything that a network has."""
    names = ["gates", "forward", "mean", "divisor", "training", "state_dict", "merge_head", "last_merge", "layer_mean"]
    layers = [{"kind": "conv", "feature_maps": 2, "name": name} for name in names]
    architecture = design(resolve_document(Document({"preset": "digits", "layers": layers, "connections": "dense"})))
    network = build(architecture)
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert sum(weights.numel() for weights in network.parameters()) == parameter_count(architecture)
