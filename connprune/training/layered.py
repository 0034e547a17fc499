"""Values from several places laid over each other, each with the place that set it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from connprune.architecture.gates import Gates
from connprune.architecture.limited_yaml import DEEPEST
from connprune.architecture.strict_yaml import Document, KeyPath, parse_value, shown
from connprune.errors import UsageError
from connprune.mistakes import NOWHERE, Mark, Mistake
from connprune.training.recipe import OPTIMIZER, OPTIMIZERS, Recipe

Section = Mapping[str, object]
# The sections whose keys depend on their kind.
_KINDS = {name for model in (Gates, Recipe) for name, section in model.model_fields.items() if section.discriminator}
_KINDS |= {"optimizer", "schedule"}


@dataclass(frozen=True)
class Setting:
    """One value to lay over others.

    Attributes:
        path: its keys with dots between; an entry of a list has its number, from 0, as key.
        value: what to put there.
        mark: where the user wrote it.
    """

    path: str
    value: Any
    mark: Mark = NOWHERE

    @classmethod
    def read(cls, assignment: str, written: str | None = None) -> Self:
        """What `key.path=value` says.

        Args:
            assignment: this text.
            written: how the user wrote it; None is as it stands.

        Raises:
            UsageError: the text is no assignment.
        """
        mark = Mark(source=shown(assignment if written is None else written))
        path, separator, text = assignment.partition("=")
        if not separator or not all(path.split(".")):
            raise UsageError(
                Mistake(found=repr(shown(assignment)), expected="KEY=VALUE, like training.epochs=10", mark=mark)
            )
        return cls(path, parse_value(text), mark)


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
        self.data: dict[str, object] = {}
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

    def put(self, setting: Setting) -> None:
        """Lays one value over what is there.

        Raises:
            UsageError: its path holds an empty key, leads through something that has no keys, or nests deeper than any
                configuration.
        """
        mark, value = setting.mark, setting.value
        parts = setting.path.split(".")
        if len(parts) > DEEPEST:
            raise UsageError(Mistake(found=f"{len(parts):,} keys", expected=f"at most {DEEPEST}", mark=mark))
        if not all(parts):
            expected = "keys with a dot between, like training.epochs"
            raise UsageError(Mistake(found=repr(shown(setting.path)), expected=expected, mark=mark))
        keys = _addressed(self.data, parts, mark)
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

    def over(self, settings: Iterable[Setting]) -> Self:
        """The same, once each setting is laid over it."""
        for setting in settings:
            self.put(setting)
        return self

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


def overlaid(below: Section, above: Section) -> dict[str, object]:
    """`above` laid over `below`, section by section.

    Connections, and a section of another kind where each kind has keys of its own, replace what is below.
    """
    sections = _sections(below, above)
    return {**below, **above, **{key: overlaid(*pair) for key, pair in sections.items()}}


def _replaced(below: Section, above: Section, at: KeyPath = ()) -> Iterator[KeyPath]:
    """The key paths of what `overlaid` puts in the place of something."""
    sections = _sections(below, above)
    for key in above.keys() & below.keys():
        if key in sections:
            yield from _replaced(*sections[key], (*at, key))
        else:
            yield (*at, key)


def _sections(below: Section, above: Section) -> dict[str, tuple[Section, Section]]:
    """The sections of both whose keys are laid over each other, with what each of the two has there."""
    sections: dict[str, tuple[Section, Section]] = {}
    for key in above.keys() & below.keys() - {"connections"}:
        under, over = below[key], above[key]
        if not (isinstance(under, Mapping) and isinstance(over, Mapping)):
            continue
        kinds = over.get("kind", under.get("kind")), under.get("kind")
        # Optimizers with the same keys may take each other's values.
        alike = key == "optimizer" and len(set(map(_keys_of, kinds))) == 1
        if key not in _KINDS or kinds[0] == kinds[1] or alike:
            sections[key] = under, over
    return sections


def _keys_of(kind: object) -> frozenset[str]:
    """The keys of an optimizer; none if there is no such kind."""
    name = OPTIMIZER if kind is None else kind
    return frozenset(OPTIMIZERS[name].model_fields) if isinstance(name, str) and name in OPTIMIZERS else frozenset()


def _addressed(data: Any, parts: Iterable[str], mark: Mark) -> KeyPath:
    """The key path that a user's words mean: where there is a list, a word is a number."""
    keys: KeyPath = ()
    for part in parts:
        above = ".".join(shown(str(key)) for key in keys)
        if isinstance(data, list):
            index = int(part) if part.isascii() and part.isdecimal() and len(part) < 10 else len(data)
            if index >= len(data):
                numbers = f"a number from 0 to {len(data) - 1}" if data else "no key: this list is empty"
                raise UsageError(Mistake(key=above, found=f"the key {shown(part)!r}", expected=numbers, mark=mark))
            keys, data = (*keys, index), data[index]
        elif data is None or isinstance(data, Mapping):
            keys, data = (*keys, part), (data or {}).get(part)
        else:
            problem = f"{shown(part)!r} cannot be set, there is a plain value above it."
            raise UsageError(Mistake(problem, key=above, mark=mark))
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
