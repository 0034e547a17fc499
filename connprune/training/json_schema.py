"""JSON Schemas of what users write, for editors that complete and check YAML."""

from typing import TYPE_CHECKING

from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from connprune.architecture.layers import LAYERS
from connprune.data.augmentations import AUGMENTATIONS
from connprune.documents.catalogue import DIALECT, Described
from connprune.preset_names import preset_names
from connprune.training.configuration import Configuration
from connprune.training.recipe import OPTIMIZER, OPTIMIZERS
from connprune.training.schedules import SCHEDULES

if TYPE_CHECKING:
    from pydantic import BaseModel


class _Wanted(Described):
    """Requires no key: a preset may have it."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        described.pop("required", None)
        return described

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        # Without its kind, which a preset may have, a section may be one of several.
        described = super().tagged_union_schema(schema)
        return {"anyOf": described["oneOf"]}


def configuration_schema() -> JsonSchemaValue:
    """The JSON Schema, draft 2020-12, of a configuration, with the parts that are registered now."""
    mode: JsonSchemaMode = "validation"
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Configuration, mode)]
    models += [
        (part, mode) for registry in (LAYERS, OPTIMIZERS, SCHEDULES, AUGMENTATIONS) for part in registry.values()
    ]
    references, document = models_json_schema(models, schema_generator=_Wanted)
    definitions = document["$defs"]
    layers = [references[layer, mode] for layer in LAYERS.values()]
    optimizers = [references[optimizer, mode] for optimizer in OPTIMIZERS.values()]
    schedules = [references[schedule, mode] for schedule in SCHEDULES.values()]
    augmentations = [references[augmentation, mode] for augmentation in AUGMENTATIONS.values()]
    for reference in (*layers, *optimizers, *augmentations):
        if reference != references[OPTIMIZERS[OPTIMIZER], mode]:
            definitions[reference["$ref"].rpartition("/")[2]]["required"] = ["kind"]
    definitions["Recipe"]["properties"]["optimizer"]["anyOf"] = optimizers
    definitions["Recipe"]["properties"]["schedule"]["anyOf"] = schedules
    definitions["Augment"]["properties"]["operations"]["items"] = {"anyOf": augmentations}
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
