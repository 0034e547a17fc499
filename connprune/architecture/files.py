"""Architectures as YAML text, with a stable order of keys and an exact round trip."""

from typing import Any

from pydantic import ValidationError

from connprune.architecture.architecture import Architecture, Blueprint
from connprune.architecture.explain import explain
from connprune.architecture.strict_yaml import dump, parse
from connprune.arguments import require
from connprune.errors import UsageError

KEYS = ("input", "classes", "layers", "unroll", "connections", "merge", "merges", "selections", "gates", "head")


def to_data(blueprint: Blueprint) -> dict[str, object]:
    """Plain data in the order in which a reader wants it; keys that say nothing are left out."""
    data = blueprint.model_dump(mode="json", include=set(KEYS))
    for section in ("merges", "selections"):
        data[section] = _without_null(data[section])
    if data["unroll"] == 1:
        del data["unroll"]
    return {key: data[key] for key in KEYS if key in data and data[key] != {}}


def _without_null(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {key: _without_null(value) for key, value in data.items() if value is not None}


def to_yaml(architecture: Architecture) -> str:
    """The architecture as YAML."""
    return dump(to_data(architecture))


def from_yaml(text: str, name: str = "architecture") -> Architecture:
    """Reads what `to_yaml` wrote, or what a person did.

    Args:
        text: the YAML.
        name: what messages call it.

    Raises:
        UsageError: the text is no YAML or no valid architecture; it has a mistake for each.
    """
    require("text", text, str, "the YAML of an architecture")
    document = parse(text, name)
    try:
        return Architecture.model_validate(document.data)
    except ValidationError as error:
        raise UsageError(*explain(error, Architecture, document)) from None
