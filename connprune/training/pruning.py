"""Cuts a run: its architecture shrinks, its trained weights are carried over, and both networks are evaluated."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from connprune.architecture.cutting import Cut, Rule, cut
from connprune.data.images import Dataset, split
from connprune.errors import UsageError
from connprune.files import write_json, write_tensors
from connprune.network.carry import carried, kept_maps
from connprune.network.network import build
from connprune.runs.directory import SCHEMA, RunDirectory
from connprune.runs.gate_history import GateHistory
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.run import load_network
from connprune.training.trainer import evaluate


@dataclass(frozen=True)
class Pruned:
    """A cut that is not written yet.

    Attributes:
        parent: the run that was cut.
        cut: the smaller architecture and the report.
        gates: the gates of all the parent's connections.
        document: everything about the cut, as `cut.json` has it.
    """

    parent: RunDirectory
    cut: Cut
    gates: GateHistory
    weights: dict[str, torch.Tensor]
    document: dict[str, Any]


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
    splits = split(load(configuration), configuration.data, configuration.training.seed)
    results: dict[str, dict[str, float]] = {}
    for name, candidate in (("parent", network), ("cut", smaller)):
        candidate.to(device)
        for part in ("validation", "test"):
            found = evaluate(candidate, getattr(splits, part).to(device))
            results.setdefault(name, {}).update({f"{part}_loss": found.loss, f"{part}_accuracy": found.accuracy})
    document = {
        "schema": SCHEMA,
        "parent": str(parent.path.resolve()),
        "parent_digest": parent.digest(),
        "by": "gate",
        **_report(outcome),
        "results": results,
    }
    return Pruned(parent, outcome, history, weights, document)


def write_cut(pruned: Pruned, path: Path) -> RunDirectory:
    """Writes the cut as a directory of its own.

    Raises:
        UsageError: the directory is not empty.
    """
    architecture = pruned.cut.architecture
    config = read_configuration(pruned.parent).to_yaml(architecture)
    run = RunDirectory.create(path, "cut", config, architecture)
    write_tensors(run.final, pruned.weights)
    if architecture.gated_connections:
        kept = kept_maps(pruned.parent.architecture(), architecture).gates.tolist()
        run.write_gates(pruned.gates.restricted(architecture, kept))
    write_json(run.cut, pruned.document)
    run.summarise({"status": "finished", "parent": pruned.document["parent"]})
    return run


def _report(outcome: Cut) -> dict[str, Any]:
    report = asdict(outcome.report)
    for key in ("chosen", "followed"):
        report[key] = [str(connection) for connection in getattr(outcome.report, key)]
    for key in ("connections", "layers", "parameters", "macs"):
        before, after = report[key]
        report[key] = {"parent": before, "cut": after}
    return report
