"""Turns what pydantic found wrong into sentences that name the key, the value, what was expected, and the place."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from connprune.architecture.strict_yaml import KeyPath, Mark, shown
from connprune.names import nearest

_LONGEST_VALUE = 60
_LONGEST_PROBLEM = 300
TOLD_AT_MOST = 20
_EXPECTED = {
    "model_type": "a section of keys",
    "model_attributes_type": "a section of keys",
    "dict_type": "a section of keys",
    "tuple_type": "a list",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "union_tag_not_found": "a section with a kind",
    "string_pattern_mismatch": "lower-case letters, digits, _ and -, with a letter first",
}


def explain(error: ValidationError, model: type[BaseModel], marks: Mapping[KeyPath, Mark]) -> str:
    """One line for each mistake, up to `TOLD_AT_MOST` of them.

    Args:
        error: what pydantic raised while it made a `model`.
        model: the class whose keys are the valid ones.
        marks: where each key path was set; a path without a mark is named alone.
    """
    found = error.errors(include_url=False)
    more = [f"{len(found) - TOLD_AT_MOST:,} more mistakes."] if len(found) > TOLD_AT_MOST else []
    return "\n".join([_sentence(details, model, marks) for details in found[:TOLD_AT_MOST]] + more)


def _sentence(details: Any, model: type[BaseModel], marks: Mapping[KeyPath, Mark]) -> str:
    path = _known(details["loc"], marks)
    key = ".".join(shown(str(part)) for part in path)
    mark = next((marks[path[:end]] for end in range(len(path), 0, -1) if path[:end] in marks), None)
    place = f" ({mark.where}: `{mark.source}`)" if mark else ""
    return f"{key}: {_problem(details, model)}{place}" if key else f"{_problem(details, model)}{place}"


def _problem(details: Any, model: type[BaseModel]) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        valid = _valid_keys(details["loc"], model)
        near = nearest(str(details["loc"][-1]), valid)
        others = f"; expected one of {', '.join(valid)}"
        return f"there is no such key{others if near == '.' else ''}{near}"
    if kind == "missing":
        return "this key is missing."
    if kind == "shape":
        return f"{details['msg']}."
    found = _shortened(repr(details["input"])) if not isinstance(details["input"], BaseModel) else "a whole section"
    if kind == "value_error":
        return f"{_shortened(str(context['error']), _LONGEST_PROBLEM)} (found {found})."
    if kind == "layer_kind":
        near = _nearest_kind(details["input"], context["kinds"])
        return f"found the kind {_kind_of(details['input'])}, {details['msg']}{near}"
    if kind == "union_tag_invalid":
        near = _nearest_kind(details["input"], context["expected_tags"])
        return f"found the kind {_kind_of(details['input'])}, expected one of {context['expected_tags']}{near}"
    expected = _EXPECTED.get(kind, details["msg"].removeprefix("Input should be ").removeprefix("Input "))
    near = nearest(str(details["input"]), _names_in(context["expected"])) if kind == "literal_error" else "."
    return f"found {found}, expected {expected[0].lower()}{expected[1:]}{near}"


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


def _known(location: KeyPath, marks: Mapping[KeyPath, Mark]) -> KeyPath:
    """The location without the tags that pydantic adds for the members of a union."""
    path: KeyPath = ()
    for position, part in enumerate(location):
        follows = location[position + 1 :]
        is_tag = (*path, part) not in marks and bool(follows) and path in marks
        if not is_tag:
            path = (*path, part)
    return path


def _valid_keys(location: KeyPath, model: type[BaseModel]) -> list[str]:
    """The keys that may stand where the last part of `location` does."""
    owners = [model]
    for part in location[:-1]:
        fields = [owner.model_fields[part] for owner in owners if part in owner.model_fields]
        owners = [found for field in fields for found in _models_in(field.annotation)] or owners
    return sorted({name for owner in owners for name in owner.model_fields})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The data classes that a value with this annotation can be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation, *annotation.__subclasses__()]
    return [model for part in get_args(annotation) for model in _models_in(part)]
