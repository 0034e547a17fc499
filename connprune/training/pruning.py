"""Cuts a run: its architecture shrinks, its trained weights are carried over, and both networks are evaluated."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from connprune.architecture.base import SCHEMA
from connprune.architecture.cutting import Cut, Rule, cut
from connprune.data.images import Dataset
from connprune.errors import UsageError
from connprune.files import read_json, whole_directory, write_json, write_tensors
from connprune.network.carry import carried, kept_maps
from connprune.network.network import build
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.run import load_network, split_data
from connprune.training.trainer import evaluate

COUNTS = ("connections", "layers", "parameters", "macs")


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


def prune(parent: RunDirectory, rule: Rule, load: Callable[[Configuration], Dataset], device: torch.device) -> Pruned:
    """Cuts a finished run, and evaluates the parent and the cut network with the parent's weights.

    Args:
        parent: a run with gates, or a cut of one.
        rule: which connections go.
        load: loads the images of a configuration.
        device: where to evaluate.

    Raises:
        UsageError: the run has no gates, has not ended, or its files are damaged.
        DisconnectedError: the cut would leave no path from the input to the head.
    """
    architecture = parent.architecture()
    if not architecture.gated_connections:
        raise UsageError(f"{parent.path}: this run has no gates, so there is nothing to cut by.")
    network = load_network(parent)
    history = parent.read_gates()
    outcome = cut(architecture, history.final(), rule)
    weights = carried(architecture, network.state_dict(), outcome.architecture)
    smaller = build(outcome.architecture)
    smaller.load_state_dict(weights)
    configuration = read_configuration(parent)
    splits = split_data(configuration, load(configuration))
    on_device = splits.to(device)
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
        "by": "gate",
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
            kept = kept_maps(pruned.parent.architecture(), architecture).gates.tolist()
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
        report[key] = [str(connection) for connection in getattr(outcome.report, key)]
    for key in COUNTS:
        before, after = report[key]
        report[key] = {"parent": before, "cut": after}
    return report
