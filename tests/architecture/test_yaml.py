"""Architectures survive YAML exactly, and mistakes in YAML are told with their place."""

import pytest
from hypothesis import given

from connprune.architecture import Architecture
from connprune.architecture.files import from_yaml, to_yaml
from connprune.architecture.presets import preset_names
from connprune.architecture.strict_yaml import parse, parse_value
from connprune.errors import UsageError
from tests.conftest import preset_architecture
from tests.strategies import architectures


@given(architectures())
def test_round_trip(architecture: Architecture) -> None:
    text = to_yaml(architecture)
    assert from_yaml(text) == architecture
    assert to_yaml(from_yaml(text)) == text


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_valid_and_round_trip(name: str) -> None:
    architecture = preset_architecture(name)
    assert from_yaml(to_yaml(architecture)) == architecture


def test_keys_keep_their_order(blog: Architecture) -> None:
    keys = [line.partition(":")[0] for line in to_yaml(blog).splitlines() if line[0].isalpha()]
    assert keys == ["input", "classes", "layers", "connections", "merge", "gates", "head"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E3", 1e3),
        (".5e1", 5.0),
        ("1.0e-7", 1e-7),
        ("12", 12),
        ("1e", "1e"),
        ("e3", "e3"),
        ("-1e2", -100.0),
    ],
)
def test_exponents_are_numbers(text: str, value: object) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: [", "file.yaml, line 2"),
        ("a: 1\na: 2", "file.yaml, line 2: the key 'a' stands here for the second time"),
        ("- 1", "expected a mapping"),
        ("a: !!python/object/apply:os.system [ls]", "no valid YAML"),
        ("a: \x00", "no valid YAML"),
        ("a: &x [*x]", "line 1: *x stands within what it stands for"),
        ("? [1, 2]\n: 3", "file.yaml, line 1: expected text as a key"),
        ("a: 1\non: 3", "file.yaml, line 2: expected text as a key, found `on: 3`"),
    ],
)
def test_what_is_no_yaml_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=r"^file.yaml") as caught:
        parse(text, "file.yaml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert parse("", "file.yaml").data == {}


def test_all_mistakes_are_told_at_once(blog: Architecture) -> None:
    text = to_yaml(blog).replace("bilinear", "cubic").replace("kind: sigmoid", "kind: tanh")
    with pytest.raises(UsageError) as caught:
        from_yaml(text, "net.yaml")
    message = str(caught.value)
    assert "merge.interpolation: found 'cubic', expected 'bilinear'" in message
    assert "gates.kind: found 'tanh', expected 'sigmoid', 'linear' or 'hard-concrete'. (net.yaml, line" in message
