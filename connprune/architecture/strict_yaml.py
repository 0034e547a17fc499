"""YAML that is read safely and completely: no silent duplicates, and every key remembers its line and column."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from connprune.errors import UsageError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """Where a value stands, and the text of that line."""

    where: str
    source: str


@dataclass(frozen=True)
class Document:
    """The values of a YAML file and the place of each.

    Attributes:
        data: the top-level mapping.
        marks: the place of each key path.
    """

    data: dict[str, Any]
    marks: dict[KeyPath, Mark] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Safe YAML that also reads 1e-3 as a number, as YAML 1.2 does."""


_Loader.yaml_implicit_resolvers = {key: list(found) for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_EXPONENT = re.compile(r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$")
for _first in "-+.0123456789":
    _Loader.yaml_implicit_resolvers.setdefault(_first, []).insert(0, ("tag:yaml.org,2002:float", _EXPONENT))


def parse(text: str, name: str) -> Document:
    """Reads one YAML document whose top level is a mapping.

    Args:
        text: the YAML.
        name: what messages call it, a file name for instance.

    Raises:
        UsageError: the text is no YAML, no mapping at the top, or names a key twice.
    """
    lines = text.splitlines()
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return Document({})
        if not isinstance(root, yaml.MappingNode):
            found = "list" if isinstance(root, yaml.SequenceNode) else "plain value"
            raise UsageError(f"{name}: expected a mapping of keys to values, found a {found}.")
        marks = dict(_marks(root, (), name, lines))
        return Document(loader.construct_document(root), marks)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UsageError(f"{name}{where}: this is no valid YAML: {error.problem or error.context}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{name}: this is no valid YAML: {str(error).splitlines()[0]}.") from None


def parse_value(text: str) -> Any:
    """One YAML value, as on the right side of `--set key=value`.

    Raises:
        UsageError: the text is no YAML.
    """
    return parse(f"value: {text}", f"the value {text!r}").data["value"] if text.strip() else None


def dump(data: Mapping[str, Any]) -> str:
    """YAML with the keys in the order given and the innermost lists and mappings on one line."""
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


def _marks(node: yaml.Node, path: KeyPath, name: str, lines: list[str]) -> Iterator[tuple[KeyPath, Mark]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            line, column = key.start_mark.line, key.start_mark.column
            if key.tag != "tag:yaml.org,2002:str":
                raise UsageError(f"{name}, line {line + 1}: expected text as a key, found `{lines[line].strip()}`.")
            if key.value in seen:
                raise UsageError(f"{name}, line {line + 1}: the key {key.value!r} stands here for the second time.")
            seen.add(key.value)
            below = (*path, key.value)
            yield below, Mark(f"{name}, line {line + 1}, column {column + 1}", lines[line].strip())
            yield from _marks(value, below, name, lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            line, column = value.start_mark.line, value.start_mark.column
            yield (*path, position), Mark(f"{name}, line {line + 1}, column {column + 1}", lines[line].strip())
            yield from _marks(value, (*path, position), name, lines)
