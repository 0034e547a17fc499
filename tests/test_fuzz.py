"""Thousands of broken configurations and architectures: each is accepted, or refused by sentences.

`pytest -m slow tests/test_fuzz.py`
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connprune.architecture.architecture import Architecture
from connprune.architecture.files import from_yaml, to_yaml
from connprune.architecture.presets import preset_names, preset_text
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.architecture.strict_yaml import parse
from connprune.errors import UsageError
from connprune.training.configuration import design, resolve_document
from tests.conftest import preset_architecture

CONFIGURATIONS = [parse(preset_text(name), name).data for name in preset_names()]
CONFIGURATIONS.append(
    {
        "preset": "digits",
        "merges": {"conv2": {"aggregate": "squeeze", "feature_maps": 4}, "head": {"size": [2, 2]}},
        "selections": {"conv2": {"conv1": {"take": [0, 1, 5]}}},
        "gates": {"initialisation": {"kind": "from-run", "run": "none"}, "ungated": ["conv1"]},
        "data": {"source": "digits", "augment": {"shift": 0.1}},
        "training": {"schedule": {"kind": "plateau", "patience": 2}, "seed": 3},
    }
)
ARCHITECTURES = [yaml.safe_load(to_yaml(preset_architecture(name))) for name in ("digits", "blog", "sequence", "plain")]
NAMES = ["input", "head", "conv1", "conv2", "gates", "kind", "layers", "../x", "a/b", "", "É", "forward", "x" * 100]
NUMBERS = [
    0,
    -1,
    1,
    2,
    10**9,
    10**9 + 1,
    -(10**30),
    2**63,
    10**99,
    0.5,
    -0.0,
    1e308,
    1e-320,
    float("nan"),
    float("inf"),
]
VALUES = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from([None, True, False, [], {}, [[]], "none", "dense", "chain", "concat", "sum", "pad", "auto"]),
    st.sampled_from(["a\nb", "\0", "\x1b[31m", "🙂", "~", "~nobody/x", "/", "..", "/dev/null", "2020-01-01", "1e3"]),
    st.sampled_from(NAMES),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.lists(st.one_of(st.integers(), st.sampled_from(NAMES)), max_size=4),
    st.dictionaries(st.sampled_from(NAMES), st.integers(-2, 5), max_size=3),
    st.builds(lambda depth: nested(depth), st.integers(1, 60)),
    st.builds(lambda count: [{"kind": "dropout"}] * count, st.integers(0, 1100)),
)


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every section or list with each of its keys or positions."""
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        yield data, key
        if isinstance(data[key], dict | list):
            yield from places(data[key])


def mutate(data: dict[str, Any], draw: st.DrawFn) -> None:
    """One change somewhere."""
    section, key = draw(st.sampled_from(list(places(data)) or [(data, "layers")]))
    match draw(st.sampled_from(["drop", "rename", "replace", "repeat", "move", "scale"])):
        case "drop":
            section.pop(key, None) if isinstance(section, dict) else section.pop(key)
        case "rename" if isinstance(section, dict):
            section[draw(st.one_of(st.sampled_from(NAMES), st.text(max_size=6)))] = section.pop(key, None)
        case "repeat" if isinstance(section, list):
            section[key:key] = [copy.deepcopy(section[key])] * draw(st.integers(1, 30))
        case "move":
            other, there = draw(st.sampled_from(list(places(data)) or [(data, "layers")]))
            other[there] = copy.deepcopy(section[key]) if key in section or isinstance(section, list) else None
        case "scale" if isinstance(section[key], int | float):
            section[key] = section[key] * draw(st.sampled_from([-1, 0, 3, 1000, 10**12, 0.1]))
        case _:
            section[key] = draw(VALUES)


@st.composite
def mutated(draw: st.DrawFn, originals: list[dict[str, Any]]) -> str:
    data = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        mutate(data, draw)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


@st.composite
def garbled(draw: st.DrawFn, originals: list[dict[str, Any]]) -> str:
    """Bytes turned, lines twice, and pieces cut out of the text."""
    text = yaml.safe_dump(draw(st.sampled_from(originals)), sort_keys=False).encode()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, max(0, len(text) - 1)))
        match draw(st.sampled_from(["flip", "insert", "cut", "line"])):
            case "flip":
                turned = (text[start] if text else 0) ^ (1 << draw(st.integers(0, 7)))
                text = text[:start] + bytes([turned]) + text[start + 1 :]
            case "insert":
                pieces = [
                    b"&a ",
                    b"*a",
                    b"!!set ",
                    b"!!int ",
                    b"[",
                    b"}",
                    b"? ",
                    b"- ",
                    b"|",
                    b"\t",
                    b"%",
                    b"---\n",
                    b"<<: ",
                ]
                text = text[:start] + draw(st.sampled_from(pieces)) + text[start:]
            case "cut":
                text = text[:start] + text[start + draw(st.integers(1, 40)) :]
            case "line":
                end = text.find(b"\n", start) + 1
                text = text[:end] + text[start:end] + text[end:]
    return text.decode(errors="replace")


def assert_accepted_or_refused(text: str, is_architecture: bool) -> None:
    try:
        found = from_yaml(text, "fuzz.yaml") if is_architecture else designed(text)
        assert parameter_count(found) > 0
        assert mac_count(found) >= 0
    except UsageError as refusal:
        told = str(refusal)
    else:
        assert from_yaml(to_yaml(found)) == found
        return
    lines = told.split("\n")
    assert 1 <= len(lines) <= 22
    assert all(0 < len(line) < 2000 and line.isprintable() for line in lines)


def designed(text: str) -> Architecture:
    """What `train --dry-run` does with a file."""
    configuration = resolve_document(parse(text, "fuzz.yaml"))
    architecture = design(configuration)
    assert resolve_document(parse(configuration.to_yaml(architecture), "again.yaml")).layers == architecture.layers
    return architecture


MANY = settings(max_examples=1000, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@MANY
@given(mutated(CONFIGURATIONS))
def test_mutated_configurations(text: str) -> None:
    assert_accepted_or_refused(text, is_architecture=False)


@pytest.mark.slow
@MANY
@given(mutated(ARCHITECTURES))
def test_mutated_architectures(text: str) -> None:
    assert_accepted_or_refused(text, is_architecture=True)


@pytest.mark.slow
@MANY
@given(garbled(CONFIGURATIONS))
def test_garbled_configurations(text: str) -> None:
    assert_accepted_or_refused(text, is_architecture=False)


@pytest.mark.slow
@MANY
@given(garbled(ARCHITECTURES))
def test_garbled_architectures(text: str) -> None:
    assert_accepted_or_refused(text, is_architecture=True)
