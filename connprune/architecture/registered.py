"""Keys whose value names an entry of a registry, which plug-ins add to."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True, eq=False)
class OneOf:
    """Text that is one of the names that are registered when it is read, as in `Annotated[str, OneOf(NAMES)]`.

    Attributes:
        registry: what is registered, by name.
    """

    registry: Mapping[str, object]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._checked, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"description": self.meanings, "enum": list(self.registry), "type": "string"}

    @property
    def meanings(self) -> str:
        """What each name stands for, by the first line of its docstring."""
        lines = {name: (inspect.getdoc(entry) or name).partition("\n")[0] for name, entry in self.registry.items()}
        return "; ".join(f"`{name}`, {line[0].lower()}{line[1:].rstrip('.')}" for name, line in lines.items()) + "."

    def _checked(self, value: Any) -> str:
        if isinstance(value, str) and value in self.registry:
            return value
        raise PydanticCustomError(
            "registered_name",
            "one of {expected}; one of your own needs its plug-in",
            {"expected": ", ".join(self.registry)},
        )


class TakesKeys(Protocol):
    """An entry that takes keys which not all of its registry do."""

    keys: ClassVar[frozenset[str]]


def own_keys(registry: Mapping[str, type[TakesKeys]]) -> frozenset[str]:
    """The keys that only some entries take."""
    return frozenset().union(*(entry.keys for entry in registry.values()))


def takers(registry: Mapping[str, type[TakesKeys]], key: str) -> str:
    """The entries that take a key, in words."""
    return " or ".join(name for name, entry in registry.items() if key in entry.keys)


def type_of(field: FieldInfo) -> Any:
    """What a key's value can be, with what pydantic keeps apart from the type."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
