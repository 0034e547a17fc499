"""What commands print and files hold is what docs/json.md says of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from connprune.documents.catalogue import DOCUMENTS, document_schema
from connprune.errors import UsageError
from connprune.files import read_sealed_json, sealed, write_json
from connprune.runs.directory import RunDirectory
from tests.conftest import TINY, Command

SWEEP = "base: {preset: digits, training: {epochs: 1}, data: {train_images: 64}}\naxes: {gates.penalty: [0.1]}\n"


def validate(name: str, document: Any) -> None:
    Draft202012Validator(document_schema(name)).validate(document)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_has_a_schema_with_a_meaning_for_every_key(name: str) -> None:
    schema = document_schema(name)
    Draft202012Validator.check_schema(schema)
    for each in (schema, *schema.get("$defs", {}).values()):
        for key, found in each.get("properties", {}).items():
            assert found.get("description"), f"{each['title']}: {key}"


def test_what_every_command_prints(command: Command) -> None:
    Path("sweep.yaml").write_text(SWEEP, encoding="utf-8")
    Image.new("L", (8, 8)).save("image.png")
    few = ("--epochs", "1", "--device", "cpu")
    against = ("--against", "chain,random:2", "--run", "compared")
    words = {
        "planned-training": ("train", *TINY, "--dry-run"),
        "summary": ("train", *TINY, "--run", "mine"),
        "thresholds": ("prune", "mine", "--dry-run", "--sweep"),
        "cut": ("prune", "mine", "--keep", "20", "--out", "cut"),
        "commands": ("retrain", "cut", *few, *against, "--list"),
        "comparison": ("retrain", "cut", *few, *against, "--figures", "figures", "--html", "page.html"),
        "planned-sweep": ("sweep", "sweep.yaml", "--dry-run"),
        "swept": ("sweep", "sweep.yaml", "--run", "swept", "--then", "prune --keep 20 / retrain --against chain"),
        "inspection": ("inspect", "mine", "--history"),
        "run-agreement": ("inspect", "mine", "swept/jobs/001-0.1/seed-1337"),
        "cut-agreement": ("inspect", "cut", "other"),
        "patterns": ("inspect", "cut", "--patterns", "--figures", "figures"),
        "growth": ("grow", "cut", "--against", "chain"),
        "export": ("export", "mine", "--format", "safetensors"),
        "check": ("check", "mine"),
        "runs": ("runs", "."),
        "run-differences": ("runs", "diff", "mine", "cut"),
        "removed-runs": ("runs", "rm", "other", "--yes"),
        "presets": ("presets",),
        "preset": ("presets", "digits"),
        "machine": ("env",),
        "evaluation": ("evaluate", "mine", "--figures", "figures"),
        "predictions": ("predict", "mine", "image.png", "--top", "3"),
    }
    for name, arguments in words.items():
        if name == "cut-agreement":
            command("prune", "mine", "--keep", "30", "--out", "other")
        done = command(*arguments, "--json")
        assert done.code == 0, done.err
        validate(name, done.json)
        if isinstance(done.json.get("path"), str):
            assert Path(done.json["path"]).exists()
    validate("comparison", command("retrain", "cut", *few, "--run", "again", "--json").json)
    validate("check", command("check", "sweep.yaml", "--json").json)
    validate("inspection", command("inspect", "--preset", "blog", "--json").json)
    validate("cut", command("prune", "mine", "--keep", "20", "--dry-run", "--json").json)
    files = {"cut/cut.json": "cut", "compared/comparison.json": "comparison", "swept/sweep.json": "swept"}
    for path, name in {**files, "mine/summary.json": "summary", "compared/summary.json": "summary"}.items():
        validate(name, json.loads(Path(path).read_text()))
    validate("environments", json.loads(Path("mine/environment.json").read_text()))
    for line in Path("mine/metrics.jsonl").read_text().splitlines():
        validate("epoch", json.loads(line))


def test_what_an_earlier_version_wrote_is_refused(command: Command) -> None:
    command("train", *TINY, "--run", "mine")
    run = RunDirectory(Path("mine"))
    write_json(run.summary_file, sealed({**read_sealed_json(run.summary_file), "schema": 1}))
    for words in (("inspect", "mine"), ("prune", "mine", "--keep", "20"), ("train", "--resume", "--run", "mine")):
        done = command(*words)
        assert (done.code, done.out) == (2, "")
        assert "mine/summary.json: found schema 1, expected 2: another version of connprune wrote this file" in done.err
    with pytest.raises(UsageError, match="found schema 1"):
        run.trained()
