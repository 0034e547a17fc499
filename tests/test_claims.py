"""Small files that claim to be large: refused by what they claim, before memory or time is spent on it."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import yaml

from connprune.architecture import Architecture
from connprune.documents.plan import ComparisonPlan
from connprune.errors import UsageError
from connprune.experiments.checking import check
from connprune.experiments.plan import read
from connprune.experiments.sweep import read_sweep
from connprune.files import file_digest, parse_object, sealed
from connprune.limits import JSON_VALUES, TRAININGS
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_arrays, read_tensors
from connprune.training.configuration import Configuration, design
from tests.conftest import TINY, Command


def claiming(path: Path, tensors: dict[str, Any], size: int) -> None:
    """A safetensors file with a header and, of its tensors, nothing but a hole."""
    header = json.dumps(tensors).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)


def one_tensor(name: str, shape: list[int]) -> tuple[dict[str, Any], int]:
    size = 4
    for side in shape:
        size *= side
    return {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}, size


@pytest.mark.parametrize("rows", [10**6, 10**10])
def test_tensors_that_are_a_hole(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "sparse.safetensors"
    claiming(path, *one_tensor("gates", [rows, 60]))
    for read_it in (read_tensors, read_arrays, file_digest):
        with pytest.raises(UsageError, match=r"sparse.safetensors: this file is damaged: it claims [0-9,]+ bytes, of"):
            read_it(path)


def test_a_run_whose_tensors_are_holes(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "run")
    command("prune", "run", "--keep", "30", "--out", "cut")
    for name, commands in {
        "gates": [("inspect", "run"), ("check", "run"), ("export", "run", "--format", "dot")],
        "final": [("check", "run"), ("inspect", "cut", "--html", "page.html")],
    }.items():
        path = tmp_path / "run" / f"{name}.safetensors"
        whole = path.read_bytes()
        claiming(path, *one_tensor("gates", [10**10, 42]))
        for arguments in commands:
            outcome = command(*arguments)
            # A page does without a parent that cannot be read.
            assert outcome.code == (0 if "cut" in arguments else 2), outcome
            assert "Traceback" not in outcome.err
        path.write_bytes(whole)


def test_weights_are_not_read_before_they_are_known_to_fit(command: Command, tmp_path: Path) -> None:
    """The header alone tells: what follows it would be damaged."""
    command("train", *TINY, "--run", "run")
    path = tmp_path / "run" / "final.safetensors"
    tensors, size = one_tensor("layer_conv1.weight", [1000, 1000])
    claiming(path, tensors, 0)
    with path.open("ab") as file:
        file.write(b"\1" * size)
    outcome = command("prune", "run", "--keep", "20", "--dry-run")
    assert outcome.code == 2, outcome
    assert "these weights do not belong to the architecture that comes with them" in outcome.err


def test_headers_of_very_many_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JSON_VALUES.variable, "10000")
    path = tmp_path / "many.safetensors"
    empty = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
    claiming(path, {str(number): empty for number in range(2_000)}, 0)
    with pytest.raises(UsageError, match="the header of this file has more than 10,000 values in JSON; CONNPRUNE_M"):
        read_tensors(path)


def test_a_header_longer_than_any_text(tmp_path: Path) -> None:
    path = tmp_path / "long.safetensors"
    path.write_bytes(struct.pack("<Q", 2**40) + b"{}")
    with pytest.raises(UsageError, match="this file is damaged: its header is longer than the file"):
        read_tensors(path)
    os.truncate(path, 2**41)
    with pytest.raises(UsageError, match="the header of this file has more than 67,108,864 characters"):
        read_tensors(path)


@pytest.mark.parametrize("text", ["[]", "{}", '{"":0}', "0"])
def test_json_of_very_many_values(text: str) -> None:
    many = f'{{"a": [{",".join([text] * (JSON_VALUES.default + 1))}]}}'
    with pytest.raises(ValueError, match="it has more than 2,000,000 values in JSON; CONNPRUNE_MAX_JSON_VALUES sets"):
        parse_object(many)


def test_metrics_of_very_many_lines(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command("train", *TINY, "--run", "run")
    run = RunDirectory(tmp_path / "run")
    run.write(run.metrics, "\n" * 2000)
    monkeypatch.setenv(JSON_VALUES.variable, "1000")
    with pytest.raises(UsageError, match=r"metrics.jsonl: this file has more than 1,000 values"):
        run.read_metrics()


def test_a_text_file_that_is_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "hole.yaml"
    with path.open("wb") as file:
        file.truncate(2**42)
    with pytest.raises(UsageError, match=r"hole.yaml: this file has more than 67,108,864 characters"):
        check(path)


@pytest.mark.parametrize(("seeds", "candidates"), [(1000, 1000), (1, 10_001), (10_001, 1)])
def test_a_plan_of_very_many_trainings(tmp_path: Path, command: Command, seeds: int, candidates: int) -> None:
    names = [f"m{number}" for number in range(candidates)]
    document = {
        "schema": 2,
        "kind": "comparison",
        "identity": "0",
        "seeds": list(range(seeds)),
        "rows": {"cut": names},
        "cuts": ["cut"],
        "rules": ["keep 1"],
        "against": [],
        "epochs": 1,
    }
    (tmp_path / "plan.json").write_text(json.dumps(sealed(document)))
    with pytest.raises(UsageError, match=rf"these are {seeds * candidates:,}, more than 10,000 trainings"):
        read(tmp_path, ComparisonPlan)


def test_an_experiment_that_could_not_be_read_back_is_not_begun(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "run")
    command("prune", "run", "--keep", "30", "--out", "cut")
    for asked in (("--against", "random:10001"), ("--against", "evolution:99999999"), ("--seeds", "10001")):
        outcome = command("retrain", "cut", *asked, "--run", "compared", "--list")
        assert outcome.code == 2, outcome
        assert f"more than {TRAININGS.default:,} trainings in an experiment; {TRAININGS.variable} sets" in outcome.err
        assert not (tmp_path / "compared").exists()


def test_the_cells_of_a_sweep_are_designed_once_for_each_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand cells take seconds only if what they share is not made for each of them."""
    designed = []

    def recorded(configuration: Configuration) -> Architecture:
        designed.append(configuration)
        return design(configuration)

    monkeypatch.setattr("connprune.experiments.sweep.design", recorded)
    axes = {"training.batch_size": list(range(8, 28)), "gates.penalty": [0.1, 0.2]}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({"base": {"preset": "digits"}, "axes": axes}))
    found = read_sweep(tmp_path / "sweep.yaml")
    assert len(designed) == 2
    for candidate in found.candidates:
        assert candidate.architecture == design(candidate.configuration)
