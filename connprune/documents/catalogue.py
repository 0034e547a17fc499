"""Every document by name, and its JSON Schema."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from connprune.documents.agreement import CutAgreement, RunAgreement
from connprune.documents.base import Document, Part
from connprune.documents.bench import Bench
from connprune.documents.check import Check
from connprune.documents.comparison import Comparison
from connprune.documents.cut import CutDocument, Thresholds
from connprune.documents.described import attributes, summary
from connprune.documents.differences import RemovedRuns, RunDifferences
from connprune.documents.environment import Environments, Machine
from connprune.documents.epoch import EpochMetrics
from connprune.documents.evaluation import Evaluation, Predictions
from connprune.documents.export import Export
from connprune.documents.growth import Growth
from connprune.documents.inspection import Inspection
from connprune.documents.lists import Commands, PlannedSweep, PlannedTraining, Preset, Presets, Runs
from connprune.documents.patterns import Patterns
from connprune.documents.rounds import RoundsDocument
from connprune.documents.run import Summary
from connprune.documents.sweep import Sweep

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DOCUMENTS: dict[str, type[Part]] = {
    "summary": Summary,
    "epoch": EpochMetrics,
    "environments": Environments,
    "inspection": Inspection,
    "run-agreement": RunAgreement,
    "cut-agreement": CutAgreement,
    "patterns": Patterns,
    "cut": CutDocument,
    "thresholds": Thresholds,
    "rounds": RoundsDocument,
    "comparison": Comparison,
    "swept": Sweep,
    "commands": Commands,
    "planned-training": PlannedTraining,
    "planned-sweep": PlannedSweep,
    "growth": Growth,
    "export": Export,
    "check": Check,
    "runs": Runs,
    "run-differences": RunDifferences,
    "removed-runs": RemovedRuns,
    "presets": Presets,
    "preset": Preset,
    "bench": Bench,
    "machine": Machine,
    "evaluation": Evaluation,
    "predictions": Predictions,
}


class Described(GenerateJsonSchema):
    """Says of each key what its class does."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of a class."""
        described = super().model_schema(schema)
        described["description"] = summary(schema["cls"]).replace("None", "null")
        meanings = attributes(schema["cls"])
        for name, field in schema["cls"].model_fields.items():
            key = described["properties"][field.alias or name]
            key.pop("title", None)
            if name in meanings:
                meaning = meanings[name].replace("None", "null")
                key["description"] = (
                    ": ".join([meaning.rstrip("."), key["description"]]) if "description" in key else meaning
                )
        return described


def document_schema(name: str) -> JsonSchemaValue:
    """The JSON Schema, draft 2020-12, of one of `DOCUMENTS`."""
    model = DOCUMENTS[name]
    schema = model.model_json_schema(by_alias=True, schema_generator=Described, mode="validation")
    always = [key for key in ("schema", "kind") if key in schema["properties"]]
    schema["required"] = [*always, *(key for key in schema.get("required", ()) if key not in always)]
    if issubclass(model, Document):
        schema["properties"]["digest"] = {"type": "string", "description": "SHA-256 of all else, in files."}
    return {"$schema": DIALECT, **schema, "title": f"connprune {name}"}


def kinds_of(model: type[Part]) -> list[type[Part]]:
    """A class and the classes of its parts, each once, the whole first."""
    return list(dict.fromkeys([model, *_parts(model)]))


def _parts(model: type[Part]) -> list[type[Part]]:
    parts: list[type[Part]] = []
    for field in model.model_fields.values():
        for part in _in(field.annotation):
            if part not in parts:
                parts += [part, *(each for each in _parts(part) if each not in parts)]
    return parts


def _in(annotation: Any) -> list[type[Part]]:
    """The classes of parts in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Part) and annotation is not Document:
        return [annotation]
    return [part for each in getattr(annotation, "__args__", ()) for part in _in(each)]
