"""The differences that docs/experiments.md speaks of and that no table there has.

python docs/results/differences.py

Each is between two rows of the files beside this one, paired by seed, with a 95% interval by Student's t.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from connprune.analysis.statistics import paired_difference
from connprune.documents.comparison import Comparison, Training
from connprune.documents.sweep import Sweep
from connprune.report.aligned import aligned
from connprune.report.intervals import in_points

FOLDER = Path(__file__).parent
# On which images, and the file and the row of each side.
WANTED = [
    ("test", ("cifar-gates", "pressure-maps"), ("cifar-gates", "pressure")),
    ("test", ("cifar-gates", "pressure-maps-linear"), ("cifar-gates", "pressure-linear")),
    ("test", ("cifar-pressure", "less"), ("cifar-gates", "plain")),
    ("validation", ("cifar-pressure", "less"), ("cifar-gates", "plain")),
    ("validation", ("cifar-pressure", "search"), ("cifar-gates", "plain")),
    ("test", ("cifar-retrained", "dense"), ("cifar-retrained", "parent")),
    ("test", ("cifar-retrained", "dense"), ("cifar-retrained", "cut-0.5")),
    ("test", ("cifar-retrained", "random"), ("cifar-retrained", "parent")),
    ("test", ("cifar-retrained", "cut-strength"), ("cifar-retrained", "parent")),
    ("test", ("cifar-retrained", "finetune"), ("cifar-retrained", "dense")),
    ("validation", ("cifar-retrained", "cut-strength"), ("cifar-retrained", "cut")),
    ("test", ("four-layers-strength", "four-strength"), ("four-layers-strength", "four-gate8")),
    ("test", ("four-layers-strength-120", "four-strength"), ("four-layers-strength-120", "four-gate8")),
    ("validation", ("four-layers-strength", "four-strength"), ("four-layers-strength", "cut")),
]


def accuracies(file: str, name: str) -> dict[str, list[float]]:
    """The accuracies of a row, of several networks their mean, seed by seed."""
    found: dict[int, list[Training]] = {}
    for training in _trainings(json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8")), name):
        found.setdefault(training.seed, []).append(training)
    return {
        "validation": [fmean(each.validation_accuracy for each in found[seed]) for seed in sorted(found)],
        "test": [fmean(each.test_accuracy for each in found[seed]) for seed in sorted(found)],
    }


def _trainings(document: dict[str, Any], name: str) -> Sequence[Training]:
    if document["kind"] == "sweep":
        return next(row.runs for row in Sweep.read(document, name).rows if name in row.cell.values())
    row = next(row for row in Comparison.read(document, name).rows if row.network == name)
    return [training for network in row.networks for training in network.runs]


def differences() -> str:
    """A line for each."""
    lines = []
    for images, (file, ours), (other, theirs) in WANTED:
        found = paired_difference(accuracies(file, ours)[images], accuracies(other, theirs)[images])
        files = file if file == other else f"{file}, {other}"
        lines.append([f"{ours} − {theirs}", files, images, *in_points(found)])
    return aligned(["difference", "files", "images", "points", "95% interval"], lines, left=3)


if __name__ == "__main__":
    print(differences())
