"""The differences that docs/results.md speaks of and that no table there has.

python docs/results/differences.py

Each is between two rows of the files beside this one, paired by seed, with a 95% interval by Student's t.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

from connprune.analysis.statistics import paired_difference
from connprune.report.aligned import aligned

FOLDER = Path(__file__).parent
# On which images, and the file and the row of each side.
WANTED = [
    ("test", ("cifar-gates", "pressure-maps"), ("cifar-gates", "pressure")),
    ("test", ("cifar-gates", "pressure-maps-linear"), ("cifar-gates", "pressure-linear")),
    ("test", ("cifar-pressure", "less"), ("cifar-gates", "plain")),
    ("held-out", ("cifar-pressure", "less"), ("cifar-gates", "plain")),
    ("held-out", ("cifar-pressure", "search"), ("cifar-gates", "plain")),
    ("test", ("cifar-retrained", "dense"), ("cifar-retrained", "parent")),
    ("test", ("cifar-retrained", "dense"), ("cifar-retrained", "cut-0.5")),
    ("test", ("cifar-retrained", "random"), ("cifar-retrained", "parent")),
    ("test", ("cifar-retrained", "cut-strength"), ("cifar-retrained", "parent")),
    ("test", ("cifar-retrained", "finetune"), ("cifar-retrained", "dense")),
    ("held-out", ("cifar-retrained", "cut-strength"), ("cifar-retrained", "cut")),
    ("test", ("four-layers-strength", "four-strength"), ("four-layers-strength", "four-gate8")),
    ("test", ("four-layers-strength-120", "four-strength"), ("four-layers-strength-120", "four-gate8")),
    ("held-out", ("four-layers-strength", "four-strength"), ("four-layers-strength", "cut")),
]


def accuracies(file: str, name: str) -> dict[str, list[float]]:
    """The accuracies of a row, of several networks their mean, seed by seed."""
    document = json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8"))
    row = next(row for row in document["rows"] if name in (row.get("network"), *row.get("cell", {}).values()))
    found: dict[int, list[tuple[float, float]]] = {}
    for seed, *both in _runs(row):
        found.setdefault(seed, []).append((both[0], both[1]))
    pairs = [[fmean(column) for column in zip(*found[seed], strict=True)] for seed in sorted(found)]
    return {"held-out": [pair[0] for pair in pairs], "test": [pair[1] for pair in pairs]}


def _runs(row: dict[str, Any]) -> Iterator[tuple[int, float, float]]:
    """Of each run the seed and the accuracy on held-out and on test images."""
    for member in row.get("members", ()):
        for seed, validation, test, _ in member["runs"]:
            yield seed, validation, test
    for run in row.get("runs", ()):
        yield run["seed"], run["validation_accuracy"], run["test_accuracy"]


def differences() -> str:
    """A line for each."""
    lines = []
    for images, (file, ours), (other, theirs) in WANTED:
        found = paired_difference(accuracies(file, ours)[images], accuracies(other, theirs)[images])
        ends = (found.mean, found.low, found.high)
        mean, low, high = (f"{100 * value:+.2f}" for value in ends if value is not None)
        files = file if file == other else f"{file}, {other}"
        lines.append([f"{ours} less {theirs}", files, images, mean, f"{low} to {high}"])
    return aligned(["difference", "files", "images", "points", "95% interval"], lines, left=3)


if __name__ == "__main__":
    print(differences())
