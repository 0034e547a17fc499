"""A sweep: every combination of the values on some axes, each trained with every seed."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic.json_schema import JsonSchemaValue

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import Count, Frozen, NonNegativeInt
from connprune.architecture.explain import explain
from connprune.architecture.strict_yaml import Document, parse
from connprune.documents.described import attributes
from connprune.documents.plan import SweepPlan
from connprune.errors import UsageError
from connprune.experiments.plan import Candidate, digest, require_few, rows_of
from connprune.files import read_text
from connprune.mistakes import Mistake, few
from connprune.training.configuration import design, resolve_document
from connprune.training.json_schema import configuration_schema
from connprune.training.layered import Setting


class SweepFile(Frozen):
    """What a sweep's YAML holds.

    Attributes:
        base: a configuration, as `train` takes it; a `preset` in it is where it starts.
        seeds: how many, from the base's own on; or a list of them.
        axes: each is named by a key and has a list of its values; or by any name, and has for each label the keys that
            the label stands for, with their values.
    """

    base: dict[str, object] = Field(default_factory=dict)
    seeds: Count | tuple[NonNegativeInt, ...] = 1
    axes: dict[str, list[Any] | dict[str, dict[str, object]]] = Field(min_length=1)


@dataclass(frozen=True)
class Sweep:
    """A sweep that can be planned.

    Attributes:
        seeds: of the repetitions.
        cells: for each candidate its label on each axis.
        candidates: the networks.
    """

    seeds: tuple[int, ...]
    cells: dict[str, dict[str, str]]
    candidates: list[Candidate]

    @cached_property
    def plan(self) -> SweepPlan:
        """Its plan."""
        identity = digest(self.candidates, self.seeds)
        return SweepPlan(identity=identity, seeds=self.seeds, rows=rows_of(self.candidates), cells=self.cells)


def read_sweep(path: Path) -> Sweep:
    """Reads a sweep, and resolves the configuration of every cell.

    Raises:
        UsageError: the file is no sweep, or a cell is no valid configuration; the message names the cell.
    """
    return sweep_of(parse(read_text(path), str(path)))


def sweep_of(document: Document) -> Sweep:
    """As `read_sweep`, for a file that is already read."""
    path = str(document.mark.file)
    try:
        file = SweepFile.model_validate(document.data)
    except ValidationError as error:
        raise UsageError(*explain(error, SweepFile, document)) from None
    base = Document(file.base, {keys[1:]: mark for keys, mark in document.marks.items() if keys[:1] == ("base",)})
    own = resolve_document(base).training.seed
    count = file.seeds if isinstance(file.seeds, int) else len(file.seeds)
    trainings = count * math.prod(len(values) for values in file.axes.values())
    require_few(path, trainings)
    seeds = tuple(range(own, own + file.seeds)) if isinstance(file.seeds, int) else file.seeds
    axes = {axis: _labelled(axis, values, document) for axis, values in file.axes.items()}
    keys = [
        key
        for labels in axes.values()
        for key in dict.fromkeys(setting.path for settings in labels.values() for setting in settings)
    ]
    twice = next((key for key in keys if keys.count(key) > 1 or key == "training.seed"), None)
    if twice:
        why = "seeds have a key of their own" if twice == "training.seed" else "two axes set it"
        raise UsageError(f"{path}: axes: {twice!r} cannot be here: {why}.")
    empty = next((axis for axis, labels in axes.items() if not labels), None)
    if empty is not None or not seeds or len(set(seeds)) < len(seeds):
        raise UsageError(f"{path}: expected at least one value on each axis, and different seeds.")
    cells = [dict(zip(axes, labels, strict=True)) for labels in product(*axes.values())]
    candidates, mistakes = [], dict[Mistake, None]()
    designs: dict[str, Architecture] = {}
    for number, cell in enumerate(cells, 1):
        try:
            candidates.append(_candidate(number, cell, axes, base, designs))
        except UsageError as error:
            mistakes |= dict.fromkeys(error.mistakes)
    if mistakes:
        raise UsageError(*few([*mistakes], len(mistakes)))
    return Sweep(seeds, {candidate.name: cell for candidate, cell in zip(candidates, cells, strict=True)}, candidates)


def sweep_schema() -> JsonSchemaValue:
    """The JSON Schema of a sweep's YAML."""
    whole, own = configuration_schema(), SweepFile.model_json_schema()
    definitions = {**whole.pop("$defs"), "Configuration": whole}
    dialect = whole.pop("$schema")
    base = {"$ref": "#/$defs/Configuration"}
    properties = {name: {**key, "description": attributes(SweepFile)[name]} for name, key in own["properties"].items()}
    properties["base"] = {"description": properties["base"]["description"], **base}
    return {"$schema": dialect, "title": "A sweep of connprune", **own, "properties": properties, "$defs": definitions}


def _labelled(axis: str, values: list[Any] | dict[str, dict[str, Any]], document: Document) -> dict[str, list[Setting]]:
    """For each label of an axis what it sets.

    Raises:
        UsageError: a value is named twice.
    """
    if isinstance(values, dict):
        return {
            label: [Setting(key, value, document.marks["axes", axis, label, key]) for key, value in keys.items()]
            for label, keys in values.items()
        }
    labels = {
        str(value): [Setting(axis, value, document.marks["axes", axis, index])] for index, value in enumerate(values)
    }
    if len(labels) < len(values):
        raise UsageError(f"axes.{axis}: a value stands here twice.")
    return labels


def _candidate(
    number: int,
    cell: dict[str, str],
    axes: Mapping[str, dict[str, list[Setting]]],
    base: Document,
    designs: dict[str, Architecture],
) -> Candidate:
    configuration = resolve_document(base, [setting for axis, label in cell.items() for setting in axes[axis][label]])
    name = f"{number:03}-" + re.sub(r"[^A-Za-z0-9.+-]+", "-", "-".join(cell.values())).strip("-.")[:60]
    row = ", ".join(f"{axis} {label}" for axis, label in cell.items())
    # Cells that differ in the recipe alone share an architecture.
    decisive = configuration.model_dump_json(exclude={"training", "run"})
    if decisive not in designs:
        designs[decisive] = design(configuration)
    return Candidate(row, name, designs[decisive], configuration, "train")
