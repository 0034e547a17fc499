"""What may stand at a key path, by the classes that define the keys and by the kinds that are written there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from connprune.architecture.registered import OneOf, type_of
from connprune.architecture.strict_yaml import KeyPath

_CONTAINERS = (tuple, list, dict)


@dataclass(frozen=True)
class Section:
    """What may stand at a key path.

    Attributes:
        annotations: the types that a value there can have.
        models: the classes of the section that it can be, or for a key that is none, of the section that holds it.
        kind: the kind of that section, if its keys depend on it.
    """

    annotations: tuple[Any, ...]
    models: tuple[type[BaseModel], ...]
    kind: str | None

    @property
    def keys(self) -> list[str]:
        """The keys of the section, sorted."""
        return sorted({name for model in self.models for name in model.model_fields})

    @property
    def shared_keys(self) -> list[str]:
        """Those that it has whatever its kind, sorted."""
        return [key for key in self.keys if all(key in model.model_fields for model in self.models)]

    def choices(self, key: str) -> list[str]:
        """The words that a key of the section can be, if there are only some."""
        fields = [model.model_fields[key] for model in self.models if key in model.model_fields]
        return list(dict.fromkeys(word for field in fields for word in _words(type_of(field))))

    @property
    def can_be_null(self) -> bool:
        """Whether null may stand here."""
        return type(None) in _flat(self.annotations)

    @property
    def holds_plain_values(self) -> bool:
        """Whether a list here is one of numbers or text, not of sections."""
        return not any(_models_in(part) for item in _flat(self.annotations) for part in get_args(item))


def section_at(model: type[BaseModel], path: KeyPath, data: Any) -> Section:
    """What may stand at a key path.

    Args:
        model: the class of the whole.
        path: the keys from the top on; the last one may be unknown.
        data: what was written, whose kinds say which classes its sections are.
    """
    annotations: tuple[Any, ...] = (model,)
    models, kind = _of_kind([model], data)
    for part in path:
        below = tuple(_below(annotations, models, part))
        data = _entry(data, part)
        if not below:
            return Section((), tuple(models), kind)
        annotations = below
        models, kind = _of_kind([found for each in annotations for found in _models_in(each)], data)
    return Section(annotations, tuple(models), kind)


def list_length(annotations: Iterable[Any]) -> int | None:
    """How many values a list of one of these types has; None is any number."""
    lists = [get_args(item) for item in _flat(annotations) if get_origin(item) is tuple]
    return next((len(items) for items in lists if Ellipsis not in items), None)


def _below(annotations: Iterable[Any], models: Iterable[type[BaseModel]], part: str | int) -> list[Any]:
    """The types of one entry of a value."""
    below: list[Any] = [model.model_fields[part].annotation for model in models if part in model.model_fields]
    for item in _flat(annotations):
        if get_origin(item) is dict:
            below.append(get_args(item)[1])
        elif get_origin(item) in _CONTAINERS:
            below += [each for each in get_args(item) if each is not Ellipsis]
    return below


def _of_kind(models: list[type[BaseModel]], data: Any) -> tuple[list[type[BaseModel]], str | None]:
    """The classes that are of the kind that is written, and the kind; all of them if there is none."""
    kind = data.get("kind") if isinstance(data, Mapping) else None
    of_kind = [
        each for each in models if "kind" in each.model_fields and kind in _words(each.model_fields["kind"].annotation)
    ]
    if of_kind and len({frozenset(each.model_fields) for each in models}) > 1:
        return of_kind, kind
    return of_kind or models, None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The classes that a value with this type can be; for a list or a mapping none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        below = [model for each in annotation.__subclasses__() for model in _models_in(each)]
        return [annotation, *below] if "kind" in annotation.model_fields else [annotation]
    if get_origin(annotation) in _CONTAINERS:
        return []
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _flat(annotations: Iterable[Any]) -> list[Any]:
    """The types with the members of unions in their place."""
    flat: list[Any] = []
    for annotation in annotations:
        is_whole = get_origin(annotation) in (*_CONTAINERS, Literal) or not get_args(annotation)
        flat += [annotation] if is_whole else _flat(get_args(annotation))
    return flat


def _words(annotation: Any) -> list[str]:
    items = _flat([annotation])
    named = [name for item in items if isinstance(item, OneOf) for name in item.registry]
    return [word for item in items if get_origin(item) is Literal for word in get_args(item)] + named


def _entry(data: Any, part: str | int) -> Any:
    if isinstance(data, Mapping):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
