"""Cuts a run: its architecture shrinks, its trained weights are carried over, and both networks are evaluated."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import SCHEMA
from connprune.architecture.cutting import Cut, GateValues, cut_by_scores
from connprune.architecture.rules import Rule
from connprune.data.images import Dataset
from connprune.errors import UsageError
from connprune.files import read_json, whole_directory, write_json, write_tensors
from connprune.network.carry import carried, kept_gates
from connprune.network.network import build
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.rulers import RULERS, Evidence, Split, connection_scores, feature_map_scores
from connprune.training.run import load_network, split_data
from connprune.training.trainer import evaluate

COUNTS = ("connections", "feature_maps", "layers", "parameters", "macs")
Granularity = Literal["connection", "feature-map"]
GRANULARITIES: dict[Granularity, Callable[[Architecture, Split], GateValues]] = {
    "connection": connection_scores,
    "feature-map": feature_map_scores,
}


@dataclass(frozen=True)
class Pruned:
    """A cut that is not written yet.

    Attributes:
        parent: the run that was cut.
        cut: the smaller architecture and the report.
        gates: the gates of all the parent's connections.
        weights: the state of the cut network.
        document: everything about the cut, as `cut.json` has it.
        same_data: whether the images are those that the parent was trained on.
    """

    parent: RunDirectory
    cut: Cut
    gates: GateHistory
    weights: dict[str, torch.Tensor]
    document: dict[str, Any]
    same_data: bool


@dataclass(frozen=True)
class Method:
    """How to cut.

    Attributes:
        rule: which scores go.
        by: the name of the ruler that gives the scores, one of `RULERS`.
        granularity: whether whole connections are scored or single feature maps of them.
    """

    rule: Rule
    by: str
    granularity: Granularity


def prune(
    parent: RunDirectory, method: Method, load: Callable[[Configuration], Dataset], device: torch.device
) -> Pruned:
    """Cuts a finished run, and evaluates the parent and the cut network with the parent's weights.

    Args:
        parent: a run with gates, or a cut of one.
        method: how to cut.
        load: loads the images of a configuration.
        device: where to evaluate.

    Raises:
        UsageError: the run has no gates, has not ended, or its files are damaged.
        DisconnectedError: the cut would leave no path from the input to the head.
    """
    architecture = parent.architecture()
    if not architecture.gated_connections:
        raise UsageError(f"{parent.path}: this run has no gates, so there is nothing to cut by.")
    network = load_network(parent).to(device)
    history = parent.read_gates()
    configuration = read_configuration(parent)
    splits = split_data(configuration, load(configuration))
    on_device = splits.to(device)
    scores = RULERS[method.by](Evidence(network, on_device.validation, configuration.training.seed))
    outcome = cut_by_scores(architecture, GRANULARITIES[method.granularity](architecture, scores), method.rule)
    weights = carried(architecture, network.cpu().state_dict(), outcome)
    smaller = build(outcome.architecture)
    smaller.load_state_dict(weights)
    results = {
        name: {
            f"{part}_{measure}": value
            for part in ("validation", "test")
            for measure, value in asdict(evaluate(candidate.to(device), getattr(on_device, part))).items()
        }
        for name, candidate in (("parent", network), ("cut", smaller))
    }
    summary = parent.summary
    document = {
        "schema": SCHEMA,
        "parent": str(parent.path.resolve()),
        "parent_digest": parent.digest(),
        "data_digest": splits.digest,
        "by": method.by,
        "granularity": method.granularity,
        "ancestry": [*_ancestry(parent), str(parent.path.resolve())],
        **_report(outcome),
        "epochs": summary.get("epochs"),
        "training_seconds": summary.get("training_seconds"),
        "results": results,
    }
    return Pruned(
        parent, outcome, history, weights, document, summary.get("data_digest", splits.digest) == splits.digest
    )


def write_cut(pruned: Pruned, path: Path) -> RunDirectory:
    """Writes the cut as a directory of its own, whole or not at all.

    Args:
        pruned: the cut.
        path: a directory that is empty or does not exist.

    Raises:
        UsageError: the directory is not empty.
        OSError: the disk is full or read-only; the directory is gone again.
    """
    architecture = pruned.cut.architecture
    configuration = read_configuration(pruned.parent)
    with whole_directory(path) as temporary:
        run = RunDirectory.create(temporary, "cut", configuration.to_yaml(architecture), architecture)
        write_tensors(run.final, pruned.weights)
        if architecture.gated_connections:
            kept = kept_gates(pruned.parent.architecture(), pruned.cut.kept)
            run.write_gates(pruned.gates.restricted(architecture, kept))
        write_json(run.cut, pruned.document)
        run.summarise({"status": "finished", **{key: pruned.document[key] for key in ("parent", "data_digest")}})
    return RunDirectory.open(path)


def read_cut(run: RunDirectory) -> dict[str, Any]:
    """What `cut.json` holds.

    Raises:
        UsageError: the run is no cut, or the file is damaged.
    """
    if not run.cut.is_file():
        raise UsageError(f"{run.path}: this run is no cut; make one with `connprune prune {run.path}`.")
    document = read_json(run.cut)
    pairs = [document.get(key) for key in (*COUNTS, "results")]
    if not all(isinstance(pair, dict) and {"parent", "cut"} <= set(pair) for pair in pairs):
        raise UsageError(f"{run.cut}: this file is damaged: counts or results are missing.")
    return document


def _report(outcome: Cut) -> dict[str, Any]:
    report = asdict(outcome.report)
    for key in ("chosen", "followed"):
        report[key] = [str(unit) for unit in getattr(outcome.report, key)]
    for key in COUNTS:
        before, after = report[key]
        report[key] = {"parent": before, "cut": after}
    return report


def _ancestry(run: RunDirectory) -> list[str]:
    """The runs that a cut's parent was cut from, the first training first."""
    return list(read_cut(run).get("ancestry", ())) if run.cut.is_file() else []
