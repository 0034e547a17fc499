"""Where a configuration starts, and what is said of where each of its values is from."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connprune.architecture.presets import preset_names, preset_text
from connprune.architecture.strict_yaml import Document, parse, parse_value
from connprune.errors import UsageError
from connprune.mistakes import Mark
from connprune.training.configuration import Configuration, collect, design, resolve, resolve_document, validated
from connprune.training.layered import Setting
from connprune.training.origins import explained, starting_sentence

OWN = "layers:\n  - {kind: conv, feature_maps: 4}\n  - {kind: max-pool}\ndata: {source: digits}\n"
REFERENCE = Path(__file__).parents[2] / "docs" / "configuration.md"


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "mine.yaml").write_text(text)
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize("name", preset_names())
def test_a_printed_preset_means_exactly_the_preset(name: str, tmp_path: Path) -> None:
    assert resolve(config=written(tmp_path, preset_text(name))) == resolve(preset=name)


def reference_defaults() -> dict[str, Any]:
    """What the column "Default" of the reference says, by key path; of a section that is of one kind, or of Adam."""
    found, section = {}, None
    for line in REFERENCE.read_text().splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
            named = re.fullmatch("`([a-z.]+)`(?:, kind `adam`)?", title)
            section = "" if title == "At the top" else named[1] if named else None
        row = re.match(r"\| `(\w+)` \|.*?\| `(.*?)` \| [^|]*\|$", line)
        if row and section is not None:
            found[f"{section}.{row[1]}".lstrip(".")] = parse_value(row[2])
    return found


def test_a_file_with_layers_of_its_own_starts_from_the_defaults_of_the_reference(tmp_path: Path) -> None:
    configuration = resolve(config=written(tmp_path, OWN))
    found = configuration.model_dump(mode="json")
    defaults = reference_defaults()
    assert {"gates", "head.reduce", "data.augment.flip", "training.optimizer.kind", "merge.size"} <= set(defaults)
    stated = {"data.source", "data.split_seed", "connections"}
    assert defaults["connections"] == "dense"
    assert found["connections"]["head"] == ["input", "conv1", "pool1"]
    for path, default in defaults.items():
        value: Any = found
        for key in path.split("."):
            value = value.get(key, "absent") if isinstance(value, dict) else "absent"
        if path not in stated and not path.startswith(("gates.", "input.")):
            assert value == default, path
    assert configuration.training.schedule.kind == "constant"


@pytest.mark.parametrize(
    ("text", "preset", "like"),
    [
        ("training: {epochs: 3}", None, "search"),
        ("{}", None, "search"),
        ("training: {epochs: 3}", "blog", "blog"),
        ("preset: digits", None, "digits"),
        ("preset: digits", "blog", "blog"),
        ("preset: null", None, "search"),
    ],
)
def test_a_file_without_layers_changes_a_preset(text: str, preset: str | None, like: str, tmp_path: Path) -> None:
    found = resolve(preset=preset, config=written(tmp_path, text))
    expected = resolve(preset=like, assignments=["training.epochs=3"] if "epochs" in text else [])
    assert found == expected


def test_layers_over_a_preset_that_is_named_keep_the_rest_of_it(tmp_path: Path) -> None:
    for found in (
        resolve(config=written(tmp_path, f"preset: digits\n{OWN}")),
        resolve(preset="digits", config=written(tmp_path, OWN)),
    ):
        assert found.gates == resolve(preset="digits").gates
        assert len(found.layers) == 2


@pytest.mark.parametrize(
    ("text", "preset", "said"),
    [
        (None, None, "configuration: the preset search, where what names no preset and has no layers starts"),
        (None, "blog", "configuration: the preset blog"),
        ("training: {}", None, "mine.yaml over the preset search, where"),
        ("preset: digits", None, "mine.yaml over the preset digits"),
        (
            OWN,
            None,
            "mine.yaml over the defaults, since it has layers of its own and names no preset; these have no",
        ),
        (OWN + "gates: none", None, "mine.yaml over the defaults, since it has layers of its own and names no preset"),
        (OWN, "digits", "mine.yaml over the preset digits"),
    ],
)
def test_a_sentence_says_where_a_configuration_starts(
    text: str | None, preset: str | None, said: str, tmp_path: Path
) -> None:
    file = written(tmp_path, text) if text else None
    assert said in starting_sentence(collect(preset, file), preset, file)


def comments(preset: str | None = None, config: Path | None = None, **rest: Any) -> dict[str, str]:
    """The comment of each key path; checks that the text is the configuration, with a comment for each value."""
    layered = collect(preset, config, **rest)
    configuration = validated(layered)
    architecture = design(configuration)
    text = explained(configuration, architecture, layered)
    document = parse(text, "it")
    assert document.data == parse(configuration.to_yaml(architecture), "that").data
    lines = text.splitlines()
    found = {
        ".".join(map(str, path)): lines[int(mark.origin.removeprefix("it, line ")) - 1].partition("  # ")[2]
        for path, mark in document.marks.items()
    }
    values = [line for line in lines if not re.fullmatch(r"[- ]*[\w-]+:", line)]
    assert all("  # " in line for line in values)
    return found


def test_every_value_says_what_set_it(tmp_path: Path) -> None:
    file = written(tmp_path, "preset: digits\ngates:\n  penalty: 0.5\nmerge: {aggregate: sum}\nclasses: 10\n")
    found = comments(
        config=file,
        settings=[
            *map(Setting.read, ["training.schedule.kind=plateau", "layers.2.size=4", "head={hidden: [3]}"]),
            Setting("training.epochs", 7, Mark(source="so many epochs")),
        ],
    )
    preset = parse(preset_text("digits"), "preset digits").marks
    assert {key: found[key] for key in ("gates.penalty", "merge.aggregate", "classes")} == {
        "gates.penalty": f"{file}, line 3",
        "merge.aggregate": f"{file}, line 4",
        "classes": f"{file}, line 5",
    }
    assert found["training.epochs"] == "so many epochs"
    assert found["training.schedule.kind"] == "training.schedule.kind=plateau"
    assert found["training.schedule.factor"] == "default"
    assert found["layers.2.size"] == "layers.2.size=4"
    assert found["layers.2.kind"] == preset["layers", 2, "kind"].origin
    assert found["layers.2.name"] == "default"
    assert found["head.hidden"] == "head={hidden: [3]}"
    assert found["head.reduce"] == "default"
    assert found["gates.rate"] == preset["gates", "rate"].origin
    assert found["connections.head"] == preset["connections",].origin
    assert found["input.height"] == "the data"
    assert found["data.split_seed"] == "training.seed"
    assert found["training.precision"] == "default"


@settings(max_examples=12)
@given(st.sets(st.sampled_from(["training.seed", "gates.rate", "data.validation", "head.dropout", "layers.3.rate"])))
def test_exactly_what_was_set_says_so(keys: set[str]) -> None:
    """Also where the value is what it would have been."""
    assignments = [f"{key}={'3' if key == 'training.seed' else '0.25'}" for key in sorted(keys)]
    found = comments("digits", settings=map(Setting.read, assignments))
    assert {key for key, comment in found.items() if comment in assignments} == keys


def test_a_layer_that_replaces_others_has_nothing_of_theirs(tmp_path: Path) -> None:
    found = comments(config=written(tmp_path, "preset: digits\nlayers:\n  - {kind: conv, feature_maps: 4}\n"))
    assert found["layers.0.kind"].endswith("mine.yaml, line 3")
    assert found["layers.0.padding"] == "default"


def test_a_preset_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "layers: []\npreset: digit\n")
    with pytest.raises(UsageError, match="did you mean 'digits'") as caught:
        resolve(config=file)
    assert f"({file}, line 2, column 1: `preset: digit`)" in str(caught.value)


def test_a_sweep_starts_as_a_training_does() -> None:
    own = parse(OWN, "mine.yaml").data
    assert resolve_document(Document(own)) == resolve_document(Document(own), [])
    assert resolve_document(Document(own)).gates is None
    assert isinstance(resolve_document(Document({})), Configuration)
