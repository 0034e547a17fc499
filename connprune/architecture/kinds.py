"""Sections of a configuration whose class is looked up by their `kind`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from connprune.registry import Registry

M = TypeVar("M", bound=BaseModel)


def kind_of(model: type[BaseModel]) -> str | None:
    """The one word that a class takes as its `kind`; None if there is no such word."""
    words = get_args(model.model_fields["kind"].annotation)
    return str(words[0]) if len(words) == 1 else None


def of_kind(registry: Registry[type[M]], base: type[M], default: str | None = None) -> Callable[[Any], M]:
    """What makes a section an object of the class that is registered under its kind.

    Args:
        registry: the classes.
        base: the class of all of them.
        default: the kind of a section without one.
    """
    what = registry.what
    own = f"{'an' if what[0] in 'aeiou' else 'a'} {what}"

    def made(value: Any) -> M:
        if isinstance(value, base):
            return value
        if not isinstance(value, Mapping):
            like = f"a mapping with a kind, like kind: {next(iter(registry))}"
            raise PydanticCustomError("model_type" if default else "mapping_type", like)
        kind = value.get("kind", default)
        if not isinstance(kind, str) or kind not in registry:
            raise PydanticCustomError(
                "registered_kind", "a kind that is registered", {"kinds": ", ".join(registry), "own": own}
            )
        return registry[kind].model_validate(value)

    return made
