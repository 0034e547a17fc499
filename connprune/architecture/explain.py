"""What pydantic found wrong, as mistakes: each has its key, the value, what was expected, and the place."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ValidationError

from connprune.architecture.base import UnsuitableKeyError
from connprune.architecture.strict_yaml import Document, KeyPath, shown
from connprune.architecture.what_belongs import Section, list_length, section_at
from connprune.mistakes import TOLD_AT_MOST, Mark, Mistake, few
from connprune.names import nearest

_LONGEST_VALUE = 60
_LONGEST_PROBLEM = 300
# Mistakes whose context says which names would do.
_NAMES = ("literal_error", "registered_name")
_KINDS = ("union_tag_invalid", "registered_kind")
_SECTIONS = ("model_type", "model_attributes_type", "dict_type", "dataclass_type")
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "lower-case letters, digits, _ and -, with a letter first",
}


def explain(error: ValidationError, model: type[BaseModel], document: Document) -> tuple[Mistake, ...]:
    """Each mistake, up to `TOLD_AT_MOST` of them, and how many more there are.

    Args:
        error: what pydantic raised while it made a `model`.
        model: the class whose keys are the valid ones.
        document: what it was made of, and where each key path was set; a path without a mark is named alone.
    """
    details = [(_path(each, document.data), each) for each in error.errors(include_url=False)]
    # A value that can be of several types has a mistake for each of them.
    groups = [[each for _, each in group] for _, group in groupby(details, key=lambda pair: pair[0])]
    return few([_mistake(group, model, document) for group in groups[:TOLD_AT_MOST]], len(groups))


def _mistake(group: list[Any], model: type[BaseModel], document: Document) -> Mistake:
    first = group[0]
    path = _path(first, document.data)
    section = section_at(model, path, document.data)
    expected = [_expected(details, section) for details in group]
    key = ".".join(shown(str(part)) for part in path)
    if all(expected):
        mistake = Mistake(
            key=key,
            found=_found(first["input"]),
            expected=" or ".join(map(str, expected)),
            hint=next(filter(None, (_hint(details, section, key) for details in group)), None),
        )
    else:
        mistake = replace(_other(first, section), key=key)
    return replace(mistake, mark=_mark(path, first, document))


def _mark(path: KeyPath, details: Any, document: Document) -> Mark:
    """Where a mistake was made: what a section is refused for is its kind, or a key that does not suit."""
    error = details.get("ctx", {}).get("error")
    key = error.key if isinstance(error, UnsuitableKeyError) else "kind" if details["type"] in _KINDS else ""
    ends = [(*path, key), *(path[:end] for end in range(len(path), 0, -1))]
    return next((document.marks[end] for end in ends if end in document.marks), document.mark)


def _other(details: Any, section: Section) -> Mistake:
    """A mistake of another sort than that something else should stand there."""
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        hint = nearest(str(details["loc"][-1]), section.keys)
        of_kind = f" for the kind {section.kind}" if section.kind else ""
        known = None if hint else f"one of {', '.join(section.keys)}"
        return Mistake(f"there is no such key{of_kind}", expected=known, hint=hint)
    if kind == "missing":
        return Mistake("this key is missing.")
    if kind == "shape":
        return Mistake(f"{details['msg']}.")
    if kind == "value_error":
        return Mistake(f"{_shortened(str(context['error']), _LONGEST_PROBLEM)} (found {_found(value)}).")
    stated = value.get("kind") if isinstance(value, Mapping) else value
    is_registered = kind == "registered_kind"
    names = context["kinds"] if is_registered else context["expected_tags"]
    hint = nearest(str(stated), _names_in(names))
    if is_registered:
        hint = hint or f"{context['own']} of your own needs its plug-in"
    return Mistake(found=f"the kind {_shortened(repr(stated))}", expected=f"one of {names}", hint=hint)


def _expected(details: Any, section: Section) -> str | None:
    """What should stand where the mistake is; None if the mistake is of another sort."""
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind in ("extra_forbidden", "shape", "value_error", *_KINDS):
        return None
    if kind == "missing":
        # Of a list that is too short the place of what is not there is named.
        return _list(section, value) if isinstance(value, list) else None
    if kind in ("tuple_type", "list_type") or (kind == "too_long" and isinstance(value, list)):
        return _list(section, value)
    if kind in ("too_short", "too_long"):
        most, least = context.get("max_length"), context.get("min_length")
        return f"at least {least} of them" if kind == "too_short" else f"at most {most} of them"
    if kind == "union_tag_not_found":
        return f"a section with a kind: {', '.join(section.choices('kind'))}"
    if kind in _SECTIONS:
        shared = section.shared_keys
        more = ", and others by kind" if shared != section.keys else ""
        keys = f" ({', '.join(shared)}{more})" if shared and not _key_for(section, value) else ""
        return f"a section of keys{keys}{' or null' if section.can_be_null and keys else ''}"
    expected = _EXPECTED.get(kind, details["msg"].removeprefix("Input should be ").removeprefix("Input "))
    return f"{expected[0].lower()}{expected[1:]}"


def _hint(details: Any, section: Section, key: str) -> str | None:
    """The word that was meant; or where a word stands for a section, the key of it that takes the word."""
    value = details["input"]
    if details["type"] in _NAMES:
        return nearest(str(value), _names_in(details["ctx"]["expected"]))
    name = _key_for(section, value) if details["type"] in _SECTIONS else None
    return f"to choose {_found(value)}, set {key}.{name}" if name else None


def _key_for(section: Section, value: Any) -> str | None:
    return next((name for name in section.keys if value in section.choices(name)), None)


def _list(section: Section, value: Any) -> str:
    """A list of the length that is wanted, with an example of what the user wrote."""
    length = list_length(section.annotations)
    count = length or 1
    values = value if isinstance(value, list) else re.findall(r"\d+", value) if isinstance(value, str) else [value]
    if length is None or not values:
        values = [value]
    simple = all(isinstance(each, int | str) and not isinstance(each, bool) for each in values)
    example = ", ".join(str((values * count)[number]) for number in range(count))
    like = f", like [{shown(example)}]" if simple and section.holds_plain_values else ""
    return f"a list{f' of {length}' if length else ''}{like}"


def _found(value: Any) -> str:
    return "a whole section" if isinstance(value, BaseModel) else _shortened(repr(value))


def _names_in(text: str) -> list[str]:
    """The names that one of pydantic's texts lists, quoted or not."""
    return re.findall(r"[a-z0-9][a-z0-9_-]*", text)


def _shortened(text: str, longest: int = _LONGEST_VALUE) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _path(details: Any, data: Any) -> KeyPath:
    """The key path of a mistake: without the tags that pydantic adds for the members of a union."""
    location: KeyPath = details["loc"]
    if not data:
        return location
    path: KeyPath = ()
    value = data
    for position, part in enumerate(location):
        is_last = position == len(location) - 1
        if isinstance(value, list) and isinstance(part, int):
            if is_last and details["type"] == "missing":
                break
            path, value = (*path, part), value[part] if part < len(value) else None
        elif isinstance(value, Mapping) and (part in value or (is_last and details["type"] == "missing")):
            path, value = (*path, part), value.get(part)
    return path
