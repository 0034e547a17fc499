"""JSON Schemas of what users write, for editors that complete and check YAML."""

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import core_schema

from connprune.architecture.described import attributes, summary
from connprune.architecture.layers import LAYERS
from connprune.architecture.presets import preset_names
from connprune.training.configuration import Configuration

if TYPE_CHECKING:
    from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Described(GenerateJsonSchema):
    """Says of each key what its class does, and requires none: a preset may have it."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        found = super().model_schema(schema)
        found["description"] = summary(schema["cls"])
        meanings = attributes(schema["cls"])
        for name, key in found.get("properties", {}).items():
            key.pop("title", None)
            if name in meanings:
                key["description"] = meanings[name]
        found.pop("required", None)
        return found

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> dict[str, Any]:
        # Without its kind, which a preset may have, a section may be one of several.
        found = super().tagged_union_schema(schema)
        return {"anyOf": found["oneOf"]}


def configuration_schema() -> dict[str, Any]:
    """The schema of a configuration, with the layers that are registered now; JSON Schema, draft 2020-12."""
    mode: JsonSchemaMode = "validation"
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Configuration, mode)]
    models += [(layer, mode) for layer in LAYERS.values()]
    references, document = models_json_schema(models, schema_generator=_Described)
    definitions = document["$defs"]
    layers = [references[layer, mode] for layer in LAYERS.values()]
    for reference in layers:
        definitions[reference["$ref"].rpartition("/")[2]]["required"] = ["kind"]
    whole = definitions.pop(references[Configuration, mode]["$ref"].rpartition("/")[2])
    properties = whole["properties"]
    properties["layers"]["items"] = {"anyOf": layers}
    preset = {"description": "The preset to start from.", "enum": [*preset_names(), None]}
    return {
        "$schema": DIALECT,
        "title": "A configuration of connprune",
        **whole,
        "properties": {"preset": preset, **properties},
        "$defs": definitions,
    }
