"""Writes the generated pages: configuration.md and json.md, the references of every key; commands.md; cards.md.

python docs/reference.py
"""

import json
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import cards
import command_reference
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from connprune.architecture.architecture import Head, Input
from connprune.architecture.gates import Constant, CostBudget, FeedForward, FromRun, Gates, Normal, Temperature, Uniform
from connprune.architecture.layers import LAYERS
from connprune.architecture.merging import Merge, MergeOverride, Selection
from connprune.architecture.norms import Norm
from connprune.architecture.registered import OneOf, type_of
from connprune.data.augmentations import AUGMENTATIONS
from connprune.data.settings import Augment, DataSettings, Normalise
from connprune.documents.catalogue import DOCUMENTS, kinds_of
from connprune.documents.described import attributes, summary
from connprune.runs.settings import RunSettings
from connprune.training.configuration import Configuration
from connprune.training.recipe import OPTIMIZER, OPTIMIZERS, Recipe
from connprune.training.schedules import SCHEDULES

INTRODUCTION = """\
# Configuration

Every key of a YAML configuration, by section. A file may name a preset to start from with `preset: NAME`. Without one,
a file that has `layers` of its own starts from the defaults below, and one that has none from the preset `search`; so
what `connprune presets NAME` prints means exactly that preset. `connprune check FILE --explain` says what set each
value. Unknown keys are refused. Numbers are those of YAML 1.2: `0100` is a hundred, and `1_000`, `1:30`, `yes` and
`off` are text. `docs/reference.py` writes this page from the classes that define the keys.

```yaml
preset: digits
layers:
  - {kind: conv, feature_maps: 16}
  - {kind: conv, feature_maps: 16, padding: valid}
  - {kind: max-pool}
connections:          # or dense, chain, residual or complete
  conv1: [input]
  conv2: [input, conv1]
  pool1: [conv1, conv2]
  head: [input, pool1]
gates: {kind: sigmoid, sharing: per-feature-map, penalty: 3e-4}
training: {epochs: 20}
```
"""
JSON_INTRODUCTION = """\
# JSON

What the commands print with `--json`, and what the files of a run hold: one JSON object, whose `schema` is 2. One name
means one thing everywhere: `path` is what the command made or looked at, `connections` is how many there are. Files
hold paths relative to their directory, and a seal, `digest`, beside what is listed here. What results say is
reproducible but for keys that end in `_seconds` or `_per_second`; moments, environments and benchmarks are not. What an
earlier version wrote is refused with a sentence that says so.

`connprune schema NAME` prints the JSON Schema of a document, by the names of the sections below.
`docs/reference.py` writes this page from the classes that are written and printed.
"""
# What prints each document, and the file that holds it.
WHERE = {
    "summary": "`train`, a single job of an experiment; `summary.json` of every run",
    "epoch": "each line of `metrics.jsonl`",
    "environments": "`environment.json`",
    "inspection": "`inspect` of a run, a cut or an architecture",
    "run-agreement": "`inspect` of several runs",
    "cut-agreement": "`inspect` of several cuts",
    "patterns": "`inspect --patterns`",
    "cut": "`prune`, with `--dry-run` too; `cut.json`",
    "thresholds": "`prune --dry-run --sweep`",
    "rounds": "`prune --rounds --dry-run`; `rounds.json`",
    "comparison": "`retrain`; `comparison.json`",
    "swept": "`sweep`; `sweep.json`",
    "commands": "`retrain --list`, `sweep --list`",
    "planned-training": "`train --dry-run`",
    "planned-sweep": "`sweep --dry-run`",
    "growth": "`grow`",
    "export": "`export`",
    "check": "`check`",
    "runs": "`runs`",
    "run-differences": "`runs diff`",
    "removed-runs": "`runs rm`",
    "presets": "`presets`",
    "preset": "`presets NAME`",
    "bench": "`bench`",
    "machine": "`env`",
    "evaluation": "`evaluate`",
    "predictions": "`predict`",
}
SECTIONS: list[tuple[str, type[BaseModel]]] = [
    ("At the top", Configuration),
    ("`input`", Input),
    *((f"`layers`, kind `{kind}`", layer) for kind, layer in LAYERS.items()),
    ("`norm` of a layer or of the head", Norm),
    ("`merge`", Merge),
    ("`merges.TARGET`", MergeOverride),
    ("`selections.TARGET.SOURCE`", Selection),
    ("`gates`", Gates),
    ("`gates.initialisation`, kind `constant`", Constant),
    ("`gates.initialisation`, kind `normal`", Normal),
    ("`gates.initialisation`, kind `uniform`", Uniform),
    ("`gates.initialisation`, kind `feed-forward`", FeedForward),
    ("`gates.initialisation`, kind `from-run`", FromRun),
    ("`gates.temperature`", Temperature),
    ("`gates.budget`", CostBudget),
    ("`head`", Head),
    ("`data`", DataSettings),
    ("`data.normalise`", Normalise),
    ("`data.augment`", Augment),
    *((f"`data.augment.operations`, kind `{kind}`", operation) for kind, operation in AUGMENTATIONS.items()),
    ("`training`", Recipe),
    *((f"`training.optimizer`, kind `{kind}`", optimizer) for kind, optimizer in OPTIMIZERS.items()),
    *((f"`training.schedule`, kind `{kind}`", schedule) for kind, schedule in SCHEDULES.items()),
    ("`run`", RunSettings),
]


def type_name(annotation: Any) -> str:
    """A key's type in words."""
    if get_origin(annotation) is Annotated:
        named = registered(annotation)
        return " or ".join(f"`{name}`" for name in named.registry) if named else type_name(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if annotation in (int, float, str, bool):
        return {int: "whole number", float: "number", str: "text", bool: "true or false"}[annotation]
    parts = [part for part in get_args(annotation) if part not in (NoneType, Ellipsis)]
    if get_origin(annotation) is tuple:
        return "list"
    if NoneType in get_args(annotation) and len(parts) == 1:
        return f"{type_name(parts[0])} or null"
    if not parts or get_origin(annotation) is dict:
        return "section"
    return " or ".join(dict.fromkeys(map(type_name, parts)))


def registered(annotation: Any) -> OneOf | None:
    """The names that a key's value is one of."""
    return next((part for part in get_args(annotation) if isinstance(part, OneOf)), None)


def default(field: FieldInfo) -> str:
    """A key's default as YAML has it."""
    value = field.get_default(call_default_factory=True)
    # In Python the class says of which kind it is, in YAML the kind says of which class.
    tells_the_class = get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
    if field.is_required() or (tells_the_class and value != OPTIMIZER):
        return "required"
    if isinstance(value, BaseModel | dict):
        return ""
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    written = {None: "null", True: "true", False: "false"}
    return f"`{written.get(value, value) if not isinstance(value, int | float) or isinstance(value, bool) else value}`"


def bounds(field: FieldInfo) -> str:
    """The range of a number in words."""
    words = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [
        f"{sign} {getattr(rule, name)}"
        for rule in field.metadata
        for name, sign in words.items()
        if hasattr(rule, name)
    ]
    return f", {' and '.join(found)}" if found else ""


def table(model: type[BaseModel]) -> str:
    """A row for each key."""
    meanings = attributes(model)
    rows = ["| Key | Type | Default | Meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        meaning = meanings.get(name, "").replace("|", "\\|").replace("None is", "null is")
        if named := registered(type_of(field)):
            meaning = f"{meaning.rstrip('.')}: {named.meanings}"
        rows.append(f"| `{name}` | {type_name(type_of(field))}{bounds(field)} | {default(field)} | {meaning} |")
    return "\n".join(rows)


def json_type(annotation: Any) -> str:
    """A key's type in JSON, in words."""
    if get_origin(annotation) is Annotated:
        return json_type(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    arguments = [each for each in get_args(annotation) if each not in (NoneType, Ellipsis)]
    if get_origin(annotation) is tuple:
        return f"list of {json_type(arguments[0])}"
    if get_origin(annotation) is dict:
        return f"object, by name {json_type(arguments[1])}"
    if arguments:
        words = list(dict.fromkeys(map(json_type, arguments)))
        return " or ".join([*words, *(["null"] if NoneType in get_args(annotation) else [])])
    words_of = {int: "whole number", float: "number", str: "text", bool: "true or false", object: "anything"}
    return words_of[annotation]


def json_table(model: type[BaseModel]) -> str:
    """A row for each key."""
    meanings = attributes(model)
    rows = ["| Key | Type | Meaning |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        meaning = meanings.get(name, "").replace("|", "\\|").replace("None", "null")
        rows.append(f"| `{field.alias or name}` | {json_type(field.annotation)} | {meaning} |")
    return "\n".join(rows)


def json_page() -> str:
    """The page of all documents."""
    parts, seen = [JSON_INTRODUCTION], set[type[BaseModel]]()
    for name, model in DOCUMENTS.items():
        where = WHERE[name]
        parts.append(f"## {name}\n\n{where[0].upper()}{where[1:]}.\n")
        for each in kinds_of(model):
            if each not in seen:
                seen.add(each)
                parts.append(f"### {each.__name__}\n\n{summary(each).replace('None', 'null')}\n\n{json_table(each)}\n")
    return "\n".join(parts)


def page() -> str:
    """The whole page of the configuration."""
    parts = [INTRODUCTION]
    for title, model in SECTIONS:
        parts.append(f"## {title}\n\n{summary(model)}\n\n{table(model)}\n")
    return "\n".join(parts)


PAGES = {"configuration.md": page, "json.md": json_page, "commands.md": command_reference.page, "cards.md": cards.page}


if __name__ == "__main__":
    for name, text in PAGES.items():
        (Path(__file__).parent / name).write_text(text(), encoding="utf-8")
