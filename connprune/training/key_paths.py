"""The keys of a configuration by their paths, as assignments `key.path=value` take them. Nothing here imports torch."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from connprune.training.configuration import Configuration


def configuration_keys() -> list[str]:
    """Every key whose name is not the user's choice, like `training.optimizer.rate`; sections come first."""
    return list(dict.fromkeys(_keys(Configuration, "")))


def _keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        for section in _sections(field.annotation):
            yield from _keys(section, f"{prefix}{name}.")


def _sections(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a value with this annotation can be; a list's entries have numbers for names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation, *(below for each in annotation.__subclasses__() for below in _sections(each))]
    if getattr(annotation, "__origin__", None) in (tuple, list, dict):
        return []
    return [section for part in get_args(annotation) for section in _sections(part)]
