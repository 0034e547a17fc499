"""YAML that is read safely and completely: no silent duplicates, and every key remembers its line and column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from connprune.architecture.core_schema import CoreDumper
from connprune.architecture.limited_yaml import DEEPEST, TOO_DEEP, Loader, loaders
from connprune.errors import UsageError
from connprune.limits import YAML_TEXT
from connprune.mistakes import NOWHERE, Mark, Mistake
from connprune.printable import printable

_LONGEST_LINE = 120

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """The values of a YAML file and the place of each.

    Attributes:
        data: the top-level mapping.
        marks: the place of each key path.
        mark: the file; nowhere if it is none or several.
    """

    data: dict[str, object]
    marks: dict[KeyPath, Mark] = field(default_factory=dict)
    mark: Mark = NOWHERE


def shown(text: str) -> str:
    """A text as messages quote it: on one line, without what a terminal would obey, and not too long.

    Every value keeps the line that it stands in, so long ones must not be copied either.
    """
    stripped = text.strip()
    return printable(stripped if len(stripped) <= _LONGEST_LINE else f"{stripped[:_LONGEST_LINE]}…")


def parse(text: str, name: str) -> Document:
    """Reads one YAML document whose top level is a mapping.

    Args:
        text: the YAML.
        name: what messages call it, a file name for instance.

    Raises:
        UsageError: the text is no YAML, no mapping at the top, names a key twice, or is beyond a limit.
    """
    if len(text) > YAML_TEXT.most:
        raise UsageError(Mistake(f"this file has {YAML_TEXT}.", mark=Mark(name)))
    for loader_class in loaders(text):
        try:
            return _parsed(loader_class(text), text, name)
        except yaml.MarkedYAMLError as error:
            problem, at = str(error.problem or error.context), error.problem_mark
            mark = Mark(name, at.line + 1, at.column + 1) if at else Mark(name)
        except yaml.YAMLError as error:
            problem, mark = str(error).splitlines()[0], Mark(name)
    raise _no_yaml(problem, mark)


def _parsed(loader: Loader, text: str, name: str) -> Document:
    try:
        root = loader.root(name)
        if root is None:
            return Document({}, mark=Mark(name))
        if not isinstance(root, yaml.MappingNode):
            found = "a list" if isinstance(root, yaml.SequenceNode) else "a plain value"
            raise UsageError(Mistake(found=found, expected="a mapping of keys to values", mark=Mark(name)))
        lines = [shown(line) for line in text.splitlines()]
        marks = dict(_marks(root, (), name, lines))
        return Document(loader.construct_document(root), marks, Mark(name))
    except (ValueError, RecursionError) as error:
        raise _no_yaml(str(error).splitlines()[0], Mark(name)) from None
    except (KeyError, AttributeError, OverflowError):  # What the library lets through from its own constructors.
        raise _no_yaml("a value is not what its tag says", Mark(name)) from None


def _no_yaml(problem: str, mark: Mark) -> UsageError:
    return UsageError(Mistake(f"this is no valid YAML: {shown(problem)}.", mark=mark))


def parse_value(text: str) -> Any:
    """One YAML value, as on the right side of `key=value`.

    Raises:
        UsageError: the text is no YAML.
    """
    name = f"the value {text!r}"
    values = parse(f"value: {text}", name).data if text.strip() else {"value": None}
    if len(values) > 1:
        raise _no_yaml("more follows behind the value", Mark(name))
    return values["value"]


def dump(data: Mapping[str, object]) -> str:
    """YAML with the keys in the order given and the innermost lists and mappings on one line."""
    return yaml.dump(
        dict(data), Dumper=CoreDumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
    )


def _marks(node: yaml.Node, path: KeyPath, name: str, lines: list[str]) -> Iterator[tuple[KeyPath, Mark]]:
    if len(path) > DEEPEST:  # Aliases nest deeper than the text does.
        raise UsageError(Mistake(f"{TOO_DEEP}.", mark=Mark(name, node.start_mark.line + 1)))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            line = key.start_mark.line
            if key.tag != "tag:yaml.org,2002:str":
                raise UsageError(Mistake(found=f"`{lines[line]}`", expected="text as a key", mark=Mark(name, line + 1)))
            if key.value in seen:
                problem = f"the key '{shown(key.value)}' stands here for the second time."
                raise UsageError(Mistake(problem, mark=Mark(name, line + 1)))
            seen.add(key.value)
            below = (*path, key.value)
            yield below, _mark(key, name, lines)
            yield from _marks(value, below, name, lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield (*path, position), _mark(value, name, lines)
            yield from _marks(value, (*path, position), name, lines)


def _mark(node: yaml.Node, name: str, lines: list[str]) -> Mark:
    line, column = node.start_mark.line, node.start_mark.column
    return Mark(name, line + 1, column + 1, lines[line])
