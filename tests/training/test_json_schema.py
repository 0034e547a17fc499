"""What the tool takes, the schema takes; what it refuses for its keys or values, the schema refuses."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from connprune.architecture import Architecture
from connprune.architecture.files import to_yaml
from connprune.architecture.presets import preset_names, preset_text
from connprune.architecture.strict_yaml import parse
from connprune.errors import UsageError
from connprune.experiments.sweep import read_sweep, sweep_schema
from connprune.training.configuration import design, resolve
from connprune.training.json_schema import configuration_schema
from tests.docs.blocks import PAGES, blocks
from tests.strategies import architectures

SCHEMA = Draft202012Validator(configuration_schema())
SWEEP = Draft202012Validator(sweep_schema())
PAGES_YAML = [block for page in PAGES for block in blocks(page) if block.language == "yaml"]


def test_the_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(configuration_schema())
    Draft202012Validator.check_schema(sweep_schema())


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_valid(name: str) -> None:
    SCHEMA.validate(parse(preset_text(name), name).data)
    chosen = resolve(name)
    SCHEMA.validate(parse(chosen.to_yaml(design(chosen)), name).data)


@given(architectures())
def test_any_architecture_is_valid(architecture: Architecture) -> None:
    SCHEMA.validate(parse(to_yaml(architecture), "any").data)


def test_the_files_of_the_documentation_are_valid(tmp_path: Path) -> None:
    assert len(PAGES_YAML) > 5
    for block in PAGES_YAML:
        data = parse(block.text, str(block)).data
        (SWEEP if "axes" in data else SCHEMA).validate(data)


@pytest.mark.parametrize(
    "text",
    [
        "gates: {penaltyy: 0.1}",
        "layers: [{kind: max-pool, strde: 2}]",
        "layers: [{feature_maps: 2}]",
        "layers: [{kind: convolution}]",
        "preset: digit",
        "training: {epochs: few}",
        "training: {epochs: 0}",
        "connections: denser",
        "data: {validation: 1.0}",
        "gates: {initialisation: {kind: normal, value: 0}}",
        "nonsense: 1",
    ],
)
def test_what_the_tool_refuses_is_not_valid(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        resolve(config=tmp_path / "bad.yaml")
    assert not SCHEMA.is_valid(parse(text, "bad").data)


def test_every_key_is_described() -> None:
    for name, part in SCHEMA.schema["$defs"].items():
        for key, found in part.get("properties", {}).items():
            assert key == "kind" or found.get("description"), (name, key)


@pytest.mark.parametrize("text", ["axes: {}", "seeds: 2", "axes: {gates.rate: [0.1]}\nbase: {presett: digits}"])
def test_a_bad_sweep_is_not_valid(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        read_sweep(tmp_path / "bad.yaml")
    found: Any = parse(text, "bad").data
    assert not SWEEP.is_valid(found)
