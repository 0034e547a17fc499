"""Turns what pydantic found wrong into sentences that name the key, the value, what was expected, and the place."""

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ValidationError

from connprune.architecture.strict_yaml import Document, KeyPath, Mark, shown
from connprune.architecture.what_belongs import Section, list_length, section_at
from connprune.names import nearest

_LONGEST_VALUE = 60
_LONGEST_PROBLEM = 300
TOLD_AT_MOST = 20
# Mistakes whose context says which names would do.
_NAMES = ("literal_error", "registered_name")
_SECTIONS = ("model_type", "model_attributes_type", "dict_type", "dataclass_type")
_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "lower-case letters, digits, _ and -, with a letter first",
}


def explain(error: ValidationError, model: type[BaseModel], document: Document) -> str:
    """One line for each mistake, up to `TOLD_AT_MOST` of them.

    Args:
        error: what pydantic raised while it made a `model`.
        model: the class whose keys are the valid ones.
        document: what it was made of, and where each key path was set; a path without a mark is named alone.
    """
    mistakes = [(_path(details, document.data), details) for details in error.errors(include_url=False)]
    # A value that can be of several types has a mistake for each of them.
    found = [[details for _, details in group] for _, group in groupby(mistakes, key=lambda mistake: mistake[0])]
    more = [f"{len(found) - TOLD_AT_MOST:,} more mistakes."] if len(found) > TOLD_AT_MOST else []
    return "\n".join([_sentence(group, model, document) for group in found[:TOLD_AT_MOST]] + more)


def _sentence(group: list[Any], model: type[BaseModel], document: Document) -> str:
    path = _path(group[0], document.data)
    section = section_at(model, path, document.data)
    expected = [_expected(details, section, path) for details in group]
    if all(expected):
        problem = f"found {_found(group[0]['input'])}, expected {' or '.join(map(str, expected))}"
        problem += "" if problem.endswith("?") else "."
    else:
        problem = _problem(group[0], section)
    key = ".".join(shown(str(part)) for part in path)
    mark = _mark(path, problem, document.marks)
    place = f" ({mark})" if mark else ""
    return f"{key}: {problem}{place}" if key else f"{problem}{place}"


def _mark(path: KeyPath, problem: str, marks: Mapping[KeyPath, Mark]) -> Mark | None:
    """Where a mistake was made: what a section is refused for is its kind, or begins with a key that does not suit."""
    culprit = (*path, "kind" if problem.startswith("found the kind") else problem.partition(" ")[0])
    ends = [culprit, *(path[:end] for end in range(len(path), 0, -1))]
    return next((marks[end] for end in ends if end in marks), None)


def _problem(details: Any, section: Section) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        near = nearest(str(details["loc"][-1]), section.keys)
        of_kind = f" for the kind {section.kind}" if section.kind else ""
        others = f"; expected one of {', '.join(section.keys)}"
        return f"there is no such key{of_kind}{others if near == '.' else ''}{near}"
    if kind == "missing":
        return "this key is missing."
    if kind == "shape":
        return f"{details['msg']}."
    if kind == "value_error":
        return f"{_shortened(str(context['error']), _LONGEST_PROBLEM)} (found {_found(details['input'])})."
    if kind == "layer_kind":
        near = _nearest_kind(details["input"], context["kinds"])
        return f"found the kind {_kind_of(details['input'])}, {details['msg']}{near}"
    near = _nearest_kind(details["input"], context["expected_tags"])
    return f"found the kind {_kind_of(details['input'])}, expected one of {context['expected_tags']}{near}"


def _expected(details: Any, section: Section, path: KeyPath) -> str | None:
    """What should stand where the mistake is; None if the mistake is of another sort."""
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind in ("extra_forbidden", "shape", "value_error", "layer_kind", "union_tag_invalid"):
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
        return _section(section, value, ".".join(map(str, path)))
    expected = _EXPECTED.get(kind, details["msg"].removeprefix("Input should be ").removeprefix("Input "))
    near = nearest(str(value), _names_in(context["expected"])).rstrip(".") if kind in _NAMES else ""
    return f"{expected[0].lower()}{expected[1:]}{near}"


def _section(section: Section, value: Any, key: str) -> str:
    """A section of keys; if one of the keys takes the value that was found in its place, that key."""
    meant = next((name for name in section.keys if value in section.choices(name)), None)
    if meant:
        return f"a section of keys; to choose {_found(value)}, set {key}.{meant}"
    keys = f" ({', '.join(section.keys)})" if section.keys else ""
    return f"a section of keys{keys}{' or null' if section.can_be_null else ''}"


def _list(section: Section, value: Any) -> str:
    """A list of the length that is wanted, with an example of what the user wrote."""
    length = list_length(section.annotations)
    count = length or 1
    values = value if isinstance(value, list) else re.findall(r"\d+", value) if isinstance(value, str) else [value]
    if length is None or not values:
        values = [value]
    simple = all(isinstance(each, int | str) and not isinstance(each, bool) for each in values)
    example = ", ".join(str((values * count)[place]) for place in range(count))
    like = f", like [{shown(example)}]" if simple and section.holds_plain_values else ""
    return f"a list{f' of {length}' if length else ''}{like}"


def _found(value: Any) -> str:
    return "a whole section" if isinstance(value, BaseModel) else _shortened(repr(value))


def _kind_of(value: Any) -> str:
    return _shortened(repr(_stated_kind(value)))


def _stated_kind(value: Any) -> Any:
    return value.get("kind") if isinstance(value, Mapping) else value


def _nearest_kind(value: Any, kinds: str) -> str:
    return nearest(str(_stated_kind(value)), _names_in(kinds))


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
