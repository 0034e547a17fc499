"""Parent, cut and retrained network side by side."""

from typing import Any

from connprune.architecture.base import SCHEMA
from connprune.architecture.cutting import COUNTS
from connprune.architecture.shapes import carried_maps, mac_count, parameter_count
from connprune.runs.directory import RunDirectory

# What a training took. Runs of earlier versions did not look at the wall clock.
_TRAINING = ("epochs", "training_seconds", "wall_seconds")


def compare(cut: RunDirectory, report: dict[str, Any], retrained: RunDirectory) -> dict[str, Any]:
    """The comparison as one document.

    Args:
        cut: the cut.
        report: its `cut.json`, which has the accuracies of the parent and of the cut before retraining.
        retrained: a finished training of the cut architecture.
    """
    architecture, summary = retrained.architecture(), retrained.summary
    training = {key: report.get(key) for key in _TRAINING}
    rows = [
        _row("parent", {key: report[key]["parent"] for key in COUNTS}, report["results"]["parent"], training),
        _row(
            "cut",
            {key: report[key]["cut"] for key in COUNTS},
            report["results"]["cut"],
            {"epochs": 0, "training_seconds": 0.0, "wall_seconds": 0.0},
        ),
        _row(
            "retrained",
            {
                "connections": len(architecture.all_connections),
                "feature_maps": carried_maps(architecture),
                "layers": len(architecture.layers),
                "parameters": parameter_count(architecture),
                "macs": mac_count(architecture),
            },
            summary["final"],
            {key: summary.get(key) for key in _TRAINING},
        ),
    ]
    return {
        "schema": SCHEMA,
        "run": str(retrained.path),
        "cut": str(cut.path),
        "parent": report["parent"],
        "rule": report["rule"],
        "rows": rows,
    }


def _row(name: str, counts: dict[str, int], results: dict[str, float], training: dict[str, Any]) -> dict[str, Any]:
    accuracies = {key: results[key] for key in ("validation_accuracy", "test_accuracy")}
    return {"network": name, **counts, **accuracies, **training}
