"""Values from several places laid over each other, each with the place that set it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connprune.architecture.gates import Gates
from connprune.architecture.strict_yaml import DEEPEST, Document, KeyPath, Mark, parse_value, shown
from connprune.errors import UsageError
from connprune.training.recipe import Recipe

# The sections whose keys depend on their kind.
_KINDS = {name for model in (Gates, Recipe) for name, section in model.model_fields.items() if section.discriminator}


class Layered:
    """Values from several places, later ones winning.

    Args:
        document: what is at the bottom.
        base: see below.

    Attributes:
        base: the preset that is at the bottom; None is none.
        data: the values.
        marks: where each of them was set; a value without a mark was set where the section that holds it was.
    """

    def __init__(self, document: Document | None = None, base: str | None = None) -> None:
        self.base = base
        self.data: dict[str, Any] = {}
        self.marks: dict[KeyPath, Mark] = {}
        if document:
            self.add(document)

    @property
    def document(self) -> Document:
        """The values as one document."""
        return Document(self.data, self.marks)

    def add(self, document: Document) -> None:
        """Lays a document over what is there."""
        self._forget(_replaced(self.data, document.data))
        self.data = overlaid(self.data, document.data)
        self.marks |= document.marks

    def set(self, assignment: str) -> None:
        """Lays one `key.path=value` over what is there.

        Raises:
            UsageError: the text is no assignment, or its path leads through something that has no keys.
        """
        path, separator, text = assignment.partition("=")
        if not separator or not all(path.split(".")):
            raise UsageError(f"--set {shown(assignment)}: expected KEY=VALUE, like training.epochs=10.")
        self.put(path, parse_value(text), f"--set {assignment}")

    def put(self, path: str, value: Any, origin: str) -> None:
        """Lays one value over what is there.

        Args:
            path: its keys with dots between; an entry of a list has its number, from 0, as key.
            value: what to put there.
            origin: how the user wrote it.

        Raises:
            UsageError: the path leads through something that has no keys, or nests deeper than any configuration.
        """
        mark = Mark(shown(origin))
        parts = path.split(".")
        if len(parts) > DEEPEST:
            raise UsageError(f"{mark.origin}: found {len(parts):,} keys, expected at most {DEEPEST}.")
        keys = _addressed(self.data, parts, mark.origin)
        above = {keys[:end]: mark for end in range(1, len(keys)) if keys[:end] not in self.marks}
        if keys[-1] == "kind" and keys[-2:-1] and keys[-2] in _KINDS:
            # A section of another kind loses the keys of the one that was there.
            for key in reversed(keys):
                value = {key: value}
            self.add(Document(value, {**above, keys: mark}))
        else:
            self._forget([keys])
            self.data = _with_value(self.data, keys, value)
            self.marks |= {**above, keys: mark}

    def origin(self, path: KeyPath) -> str | None:
        """Where the value of a key was set; None if it is a default."""
        value: Any = self.data
        for position, part in enumerate(path):
            if isinstance(value, Mapping) and part not in value:
                return None
            if not isinstance(value, Mapping | list):  # A word that stands for a whole section.
                path = path[:position]
                break
            value = value[part]  # type: ignore[index]
        mark = next((self.marks[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.marks), None)
        return mark.origin if mark else None

    def _forget(self, replaced: Iterable[KeyPath]) -> None:
        """Drops the places of what is no longer there."""
        gone = set(replaced)
        self.marks = {
            path: mark
            for path, mark in self.marks.items()
            if not any(path[:end] in gone for end in range(1, len(path) + 1))
        }


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`, section by section.

    Connections, and a section of another kind where each kind has keys of its own, replace what is below.
    """
    result = dict(below)
    for key, value in above.items():
        result[key] = overlaid(result[key], value) if _merges(key, value, result.get(key)) else value
    return result


def _replaced(below: Mapping[str, Any], above: Mapping[str, Any], at: KeyPath = ()) -> Iterator[KeyPath]:
    """The key paths of what `overlaid` puts in the place of something."""
    for key in above.keys() & below.keys():
        if _merges(key, above[key], below[key]):
            yield from _replaced(below[key], above[key], (*at, key))
        else:
            yield (*at, key)


def _merges(key: str, above: Any, below: Any) -> bool:
    if key == "connections" or not (isinstance(above, Mapping) and isinstance(below, Mapping)):
        return False
    return key not in _KINDS or bool(above.get("kind", below.get("kind")) == below.get("kind"))


def _addressed(data: Any, parts: Iterable[str], origin: str) -> KeyPath:
    """The key path that a user's words mean: where there is a list, a word is a number."""
    keys: KeyPath = ()
    for part in parts:
        if isinstance(data, list):
            place = int(part) if part.isascii() and part.isdecimal() and len(part) < 10 else len(data)
            if place >= len(data):
                there = f"a number from 0 to {len(data) - 1}" if data else "no key, this list is empty,"
                raise UsageError(f"{origin}: expected {there} where {shown(part)!r} stands.")
            keys, data = (*keys, place), data[place]
        elif data is None or isinstance(data, Mapping):
            keys, data = (*keys, part), (data or {}).get(part)
        else:
            raise UsageError(f"{origin}: {shown(part)!r} cannot be set, there is a plain value above it.")
    return keys


def _with_value(data: Any, keys: KeyPath, value: Any) -> Any:
    """The data with a value at a place that `_addressed` found."""
    if not keys:
        return value
    first, rest = keys[0], keys[1:]
    if isinstance(data, list) and isinstance(first, int):
        return [*data[:first], _with_value(data[first], rest, value), *data[first + 1 :]]
    section = dict(data or {})
    return {**section, first: _with_value(section.get(first), rest, value)}
