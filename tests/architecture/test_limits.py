"""What a file asks for is limited, and refused by one sentence before it takes time or memory."""

import tracemalloc
from typing import Any

import pytest

from connprune.architecture.architecture import Architecture
from connprune.architecture.files import from_yaml, to_yaml
from connprune.architecture.limited_yaml import DEEPEST
from connprune.architecture.shapes import parameter_count
from connprune.architecture.strict_yaml import Document, parse
from connprune.errors import UsageError
from connprune.training.configuration import design, resolve_document

LAUGHS = "a0: &a0 [ha, ha]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
DEEP_BY_ALIASES = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} {'[' * 20}*a{n - 1}{']' * 20}\n" for n in range(1, 20))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "line 6: more than 200,000 values, each alias counted"),
        ("a: " + "x" * 5_000_000, "this file has more than 4,194,304 characters; CONNPRUNE_MAX_YAML_TEXT sets"),
        ("a: " + "[" * 100_000, f"line 1: sections and lists nest more than {DEEPEST} deep, which is the limit"),
        ("\n".join(" " * depth + "a:" for depth in range(500)), f"more than {DEEPEST} deep"),
        (DEEP_BY_ALIASES, f"more than {DEEPEST} deep"),
        ("a: " + "9" * 5000, "line 1: a number of more than 100 characters"),
        ("a: 0x" + "f" * 5000, "line 1: a number of more than 100 characters"),
        ("a: -" + "9" * 5000 + ".0e9", "line 1: a number of more than 100 characters"),
        ("a: !!bool perhaps", "'perhaps' is no bool"),
        ("a: !!timestamp soon", "a value is not what its tag says"),
    ],
    ids=lambda text: text[:12],
)
def test_yaml_beyond_a_limit(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=r"^file.yaml") as caught:
        parse(text, "file.yaml")
    assert told in str(caught.value)
    assert len(str(caught.value)) < 300


def test_aliases_within_the_limits_are_what_they_stand_for() -> None:
    assert parse("a: &x {b: [1, 2]}\nc: [*x, *x]", "file.yaml").data["c"] == [{"b": [1, 2]}] * 2


def test_places_of_values_do_not_copy_long_lines() -> None:
    text = f"a: {' ' * 300_000}[{'1,' * 1000}]"
    tracemalloc.start()
    marks = parse(text, "file.yaml").marks
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(marks) == 1001
    assert peak < 20 * len(text)


def asked(**changes: Any) -> Architecture:
    return design(resolve_document(Document({"preset": "digits", **changes})))


ABSURD = [
    ({"layers": [{"kind": "dropout"}] * 1001, "connections": "chain"}, "1,001, more than 1,000 layers", "LAYERS"),
    ({"layers": [{"kind": "dropout"}] * 500, "connections": "dense"}, "more than 100,000 connections", "CONNECTIONS"),
    ({"layers": [{"kind": "conv", "feature_maps": 10**9}], "connections": "dense"}, "activations", "ACTIVATIONS"),
    ({"layers": [{"kind": "conv", "feature_maps": 1, "kernel": 10**9}], "connections": "chain"}, "", "PARAMETERS"),
    ({"layers": [{"kind": "dropout"}] * 100, "connections": "dense"}, "activations for one image", "ACTIVATIONS"),
    ({"merge": {"size": [10**9, 10**9]}}, "from the input to 'conv1' these are 1,000,000,000", "ACTIVATIONS"),
    ({"head": {"hidden": [10**9]}}, "more than 2,000,000,000 parameters", "PARAMETERS"),
    ({"head": {"hidden": [1] * 1001}}, "head.hidden: these are 1,001, more than 1,000 layers", "LAYERS"),
    ({"data": {"source": "/", "size": [30_000, 30_000]}}, "data: size asks for more than", "ACTIVATIONS"),
    (
        {"merge": {"aggregate": "sum"}, "selections": {"conv2": {"conv1": {"take": [0], "at": [10**18]}}}},
        "activations",
        "ACTIVATIONS",
    ),
]


@pytest.mark.parametrize(("changes", "told", "variable"), ABSURD)
def test_absurd_sizes(changes: dict[str, Any], told: str, variable: str) -> None:
    with pytest.raises(UsageError) as caught:
        asked(**changes)
    assert told in str(caught.value)
    assert f"CONNPRUNE_MAX_{variable} sets this limit" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [{"feature_maps": 1, "height": 10**9, "width": 10**9}, {"feature_maps": 10**10}])
def test_absurd_inputs_and_classes(digits: Architecture, given: dict[str, int]) -> None:
    text = to_yaml(digits)
    with pytest.raises(UsageError, match=r"more than 2,000,000,000 activations|less than or equal to 1000000000"):
        from_yaml(text.replace("input: {feature_maps: 1, height: 8, width: 8}", f"input: {given}"))
    with pytest.raises(UsageError, match=r"more than 2,000,000,000 parameters"):
        from_yaml(text.replace("classes: 10", "classes: 1000000000"))


def test_a_user_sets_a_limit(monkeypatch: pytest.MonkeyPatch, digits: Architecture) -> None:
    parameters = parameter_count(digits)
    monkeypatch.setenv("CONNPRUNE_MAX_PARAMETERS", str(parameters - 1))
    with pytest.raises(UsageError, match=f"these are {parameters:,}, more than {parameters - 1:,} parameters"):
        asked()
    monkeypatch.setenv("CONNPRUNE_MAX_PARAMETERS", str(parameters))
    assert asked() == digits
    monkeypatch.setenv("CONNPRUNE_MAX_LAYERS", "2000")
    assert len(asked(layers=[{"kind": "dropout"}] * 1001, connections="chain").layers) == 1001


@pytest.mark.parametrize("value", ["many", "-1", "0", "1e9", "9" * 5000])
def test_a_limit_that_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CONNPRUNE_MAX_LAYERS", value)
    with pytest.raises(UsageError, match=r"CONNPRUNE_MAX_LAYERS: found .* expected a whole number"):
        asked()


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(UsageError) as caught:
        asked(**{f"key{number}": number for number in range(1000)})
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "980 more mistakes."
