"""The table of docs/experiments.md that compares procedures of search: gates, what penalises them, and from when on.

python docs/results/procedures.py NAME=COMPARISON.json… > docs/results/procedures.json
python docs/results/procedures.py

Each comparison is of the cuts of one procedure's searches with one random wiring each; without one it prints the table:
`its` is the accuracy of one random wiring a search, of the cut's cost, and `points` the mean over searches
of cut − its own.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shrink import shrunk

from connprune.documents.comparison import Comparison
from connprune.report.aligned import aligned
from connprune.runs.links import read_document

FILE = Path(__file__).with_name("procedures.json")


def procedures() -> str:
    """A line for each, by the accuracy on validation images."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["rows"]
    lines = []
    for row in sorted(rows, key=lambda row: -row["validation_accuracy"]):
        mean, low, high = (f"{100 * row['difference'][end]:+.2f}" for end in ("mean", "low", "high"))
        accuracies = [f"{row[key]:.2%}" for key in ("validation_accuracy", "test_accuracy")]
        counts = [f"{row[key]:,}" for key in ("parameters", "macs")]
        lines.append([row["procedure"], *accuracies, *counts, f"{row['random_cost']:.2%}", mean, f"{low} to {high}"])
    columns = ["procedure", "validation", "test", "parameters", "MACs", "its", "points", "95% interval"]
    return aligned(columns, lines, left=1)


def compared(arguments: Sequence[str]) -> str:
    """A row for each comparison, as JSON."""
    rows: list[dict[str, Any]] = []
    for name, _, path in (argument.partition("=") for argument in arguments):
        document = read_document(Comparison, Path(path))
        cut, other = document.rows
        row = {
            "procedure": name,
            "searches": cut.searches,
            "validation_accuracy": cut.validation_accuracy,
            "test_accuracy": cut.test_accuracy,
            "parameters": round(cut.parameters),
            "macs": round(cut.macs),
            "random_cost": other.test_accuracy,
            "difference": {end: getattr(other.difference, end) for end in ("mean", "low", "high")},
        }
        rows.append(shrunk(row))
    return json.dumps({"rows": rows}, separators=(",", ":"))


if __name__ == "__main__":
    print(compared(sys.argv[1:]) if sys.argv[1:] else procedures())
