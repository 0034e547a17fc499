"""Names and their parts: of the tool itself, of plug-ins, and what is said of those that do not go together."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from connprune import builtin
from connprune.cli import completion
from connprune.errors import UsageError
from connprune.plugins import load_plugin, load_plugins, registries
from connprune.registry import Registry
from tests.docs.blocks import ROOT, files


class Shape:
    name: ClassVar[str] = ""


class Square(Shape):
    name = "square"


def registry() -> Registry[type[Shape]]:
    return Registry("shape", "shapes", lambda shape: shape.name or None, Shape, {"path": "pathlib:Path"})


def test_parts_are_found_by_their_names_and_those_of_the_tool_are_imported_when_they_are_asked_for() -> None:
    shapes = registry()
    assert shapes.register(Square) is shapes.register(Square) is Square
    assert (list(shapes), len(shapes)) == (["path", "square"], 2)
    assert shapes["square"] is Square
    assert shapes["path"].__name__ == "Path"
    assert "circle" not in shapes
    with pytest.raises(KeyError):
        shapes["circle"]


def test_every_name_of_the_tool_has_its_part() -> None:
    for parts in registries():
        assert parts
        for name in parts:
            assert parts._name_of(parts[name]) == name or parts.what == "importance criterion"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (type("Other", (Shape,), {"name": "square"}), "The shape 'square' is taken by tests.test_registry.Square."),
        (type("Path", (Shape,), {"name": "path"}), "The shape 'path' is taken by pathlib.Path."),
        (type("Nameless", (Shape,), {}), "has the name None; expected lower-case letters"),
        (type("Odd", (Shape,), {"name": "../square"}), "has the name '../square'; expected lower-case letters"),
        (dict, "builtins.dict is no shape; expected a subclass of tests.test_registry.Shape."),
        (Square(), "is no shape; expected a subclass of tests.test_registry.Shape."),
    ],
)
def test_what_is_no_such_part_is_refused(part: Any, told: str) -> None:
    shapes = registry()
    shapes.register(Square)
    with pytest.raises(UsageError) as refused:
        shapes.register(part)
    assert told in str(refused.value)
    assert list(shapes) == ["path", "square"]


def test_a_module_gives_the_classes_that_it_defines_itself_and_that_have_a_name() -> None:
    module = ModuleType("mine")
    circle = type("Circle", (Shape,), {"name": "circle", "__module__": "mine"})
    base = type("Round", (Shape,), {"__module__": "mine"})
    vars(module).update(Circle=circle, Round=base, Square=Square, number=3)
    shapes = registry()
    assert shapes.defined_in(module) == [circle]
    assert list(shapes) == ["path", "circle"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "from connprune.data.named import Source\nclass Mine(Source):\n    name = 'digits'\n",
            "plug-in {}: The data source 'digits' is taken by connprune.data.named.Digits.",
        ),
        (
            "from connprune.training.importance import criterion\n@criterion\ndef gate(evidence):\n    return []\n",
            "plug-in {}: cannot import this module: UsageError: The importance criterion 'gate' is taken by "
            "connprune.training.criteria.by_gate.",
        ),
        ("import nowhere\n", "plug-in {}: cannot import this module: ModuleNotFoundError: No module named 'nowhere'."),
        (
            "number = 1\n",
            "plug-in {}: this module defines no layer, no aggregate, no kind of gates, no optimizer, "
            "no learning-rate schedule, no augmentation, no data source, no data format, "
            "no importance criterion, no baseline, no callback.",
        ),
    ],
    ids=["clash", "clash of a function", "fails", "nothing"],
)
def test_a_plug_in_that_does_not_go_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, text: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = "plug_in_that_" + "".join(filter(str.isalpha, request.node.callspec.id))
    (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(UsageError) as refused:
        load_plugin(name)
    assert str(refused.value) == told.format(name)


@pytest.mark.parametrize(
    ("complete", "table", "group"),
    [
        (completion.criteria, builtin.CRITERIA, "connprune.criteria"),
        (completion.data_sets, builtin.SOURCES, "connprune.sources"),
        (completion.baselines, builtin.BASELINES, "connprune.baselines"),
    ],
)
def test_names_of_the_tool_and_of_installed_packages_are_offered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    complete: Callable[[str], list[str]],
    table: dict[str, str],
    group: str,
) -> None:
    """Without an import: the shell waits."""
    package = tmp_path / "parts-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: parts\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[{group}]\nzebra = nowhere:Zebra\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert complete("") == [*(name.removesuffix("N") for name in table), "zebra"]
    assert complete("zeb") == ["zebra"]


def test_installed_packages_offer_parts_of_each_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "parts-1.0.dist-info"
    package.mkdir()
    # Modules of their own, since those of other tests may be imported already.
    for name, text in files(ROOT / "docs" / "plugins.md").items():
        (tmp_path / f"installed_{name}").write_text(text)
    (package / "METADATA").write_text("Name: parts\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[connprune.optimizers]\nmomentum = installed_momentum:Momentum\n"
        "[connprune.sources]\nstripes = installed_stripes:Stripes\n"
        "[connprune.formats]\nmatlab = installed_matlab:Matlab\n"
        "[connprune.criteria]\ndistance = installed_distance:distance\n"
        "[connprune.baselines]\nfrom-input = installed_from_input:FromInput\n"
        "[connprune.callbacks]\njournal = installed_journal:Journal\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for parts in registries():
        monkeypatch.setattr(parts, "_parts", dict(parts._parts))
    load_plugins()
    for name in ("momentum", "stripes", "matlab", "distance", "from-input", "journal"):
        assert [parts.what for parts in registries() if name in parts], name
