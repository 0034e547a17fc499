"""Parent, cut and retrained network side by side."""

from pathlib import Path
from typing import Any

from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import UsageError
from connprune.files import read_json
from connprune.runs.directory import SCHEMA, RunDirectory


def compare(cut: RunDirectory, retrained: RunDirectory) -> dict[str, Any]:
    """The comparison as one document; a row has null where the parent has been removed since.

    Args:
        cut: the cut, whose `cut.json` has the accuracies of the parent and of the cut before retraining.
        retrained: a finished training of the cut architecture.
    """
    report = read_json(cut.cut)
    counts = {
        key: (report[key]["parent"], report[key]["cut"]) for key in ("connections", "layers", "parameters", "macs")
    }
    architecture = retrained.architecture()
    summary = retrained.summary
    parent = _training_of(report["parent"])
    rows = [
        {
            "network": "parent",
            **{key: before for key, (before, _) in counts.items()},
            **_accuracies(report["results"]["parent"]),
            **parent,
        },
        {
            "network": "cut",
            **{key: after for key, (_, after) in counts.items()},
            **_accuracies(report["results"]["cut"]),
            "epochs": 0,
            "training_seconds": 0.0,
        },
        {
            "network": "retrained",
            "connections": len(architecture.all_connections),
            "layers": len(architecture.layers),
            "parameters": parameter_count(architecture),
            "macs": mac_count(architecture),
            **_accuracies(summary["final"]),
            "epochs": summary["epochs"],
            "training_seconds": summary["training_seconds"],
        },
    ]
    return {
        "schema": SCHEMA,
        "run": str(retrained.path),
        "cut": str(cut.path),
        "parent": report["parent"],
        "rule": report["rule"],
        "rows": rows,
    }


def _accuracies(results: dict[str, Any]) -> dict[str, Any]:
    return {key: results[key] for key in ("validation_accuracy", "test_accuracy")}


def _training_of(path: str) -> dict[str, Any]:
    try:
        summary = RunDirectory.open(Path(path)).summary
    except UsageError:
        summary = {}
    return {key: summary.get(key) for key in ("epochs", "training_seconds")}
