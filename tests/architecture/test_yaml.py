"""Architectures survive YAML exactly, and mistakes in YAML are told with their place."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connprune.architecture import Architecture
from connprune.architecture.files import from_yaml, to_yaml
from connprune.architecture.presets import preset_names
from connprune.architecture.strict_yaml import dump, parse, parse_value
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


# Of which texts are made that may be YAML, or nearly.
PIECES = [
    "a",
    "b: ",
    "k: ",
    "- ",
    "? ",
    "\n",
    "\n  ",
    "\n    ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ": ",
    "'",
    '"',
    "|\n",
    ">\n",
    "&x ",
]
PIECES += [
    "*x",
    "!!int ",
    "!!str ",
    "!t ",
    "#c",
    "1",
    "0x1f",
    "1e3",
    ".inf",
    "~",
    "true",
    "<<: ",
    "=",
    "@",
    "`",
    "\\",
    "\r\n",
]
PIECES += ["%YAML 1.2\n", "---\n", "...", '"\\u263a"', "é", "\x85", "\u2028", "\x07", "😀", " "]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_libyaml_reads_what_pyyaml_reads(text: str) -> None:
    def values(text: str) -> str:
        try:
            return repr(parse(text, "the text").data)
        except UsageError:
            return "refused"

    # With a tab the text is PyYAML's own to read.
    assert values(f"k: {text}") == values(f"#\t\nk: {text}")
    assert values(text) == values(f"#\t\n{text}")


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
        ("5.", 5.0),
        ("12", 12),
        ("-1e2", -100.0),
        ("0100", 100),
        ("09", 9),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("-.inf", float("-inf")),
        ("True", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("!!int '12'", 12),
        *(
            (text, text)
            for text in (
                *("1e", "e3", "1:30", "1:30.5", "1_000", "1_0.5", "0b11", "-0x1f", "0o8", "++1", ".", "+."),
                *("yes", "no", "on", "off", "y", "N", "Yes", "OFF", "tRUE", "nULL", "<<", "=", "2020-01-01", ".Nan"),
            )
        ),
    ],
)
def test_plain_words_are_read_by_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found = parse_value(text)
    assert found == value
    assert type(found) is type(value)


TEXTS = st.one_of(st.text(max_size=12), st.from_regex(r"[-+0-9.:_xobeE~tyn]{1,8}", fullmatch=True))
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-(10**30), 10**30), st.floats(allow_nan=False), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    """Also by a reader of YAML 1.1, so that other tools read what runs leave."""
    text = dump({"value": value})
    assert parse(text, "file.yaml").data == {"value": value}
    assert yaml.safe_load(text) == {"value": value}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: [", "file.yaml, line 2"),
        ("a: 1\na: 2", "file.yaml, line 2: the key 'a' stands here for the second time"),
        ("- 1", "expected a mapping"),
        ("a: !!python/object/apply:os.system [ls]", "no valid YAML"),
        ("a: \x00", "no valid YAML"),
        ("a: &x [*x]", "line 1: *x stands within what it stands for"),
        ("? [1, 2]\n: 3", "file.yaml, line 1: found `? [1, 2]`, expected text as a key"),
        ("a: 1\ntrue: 3", "file.yaml, line 2: found `true: 3`, expected text as a key"),
        ("a: !!int 0b11", "'0b11' is no int"),
        ("a: !!int 1_000", "'1_000' is no int"),
        ("a: !!bool yes", "'yes' is no bool"),
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
    assert "gates.kind: found 'tanh', expected one of sigmoid, linear, hard-concrete" in message
    assert ". (net.yaml, line" in message


@pytest.mark.parametrize("text", ["1\nother: 2", "a\nb: {c: 3}"])
def test_what_follows_a_value_is_not_dropped(text: str) -> None:
    with pytest.raises(UsageError, match="more follows behind the value"):
        parse_value(text)
