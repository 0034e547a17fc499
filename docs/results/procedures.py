"""The table of docs/experiments.md that compares procedures of search: gates, what penalises them, and from when on.

python docs/results/procedures.py

`its` is the accuracy of one random wiring a search, of the cut's cost, and `points` the mean over searches
of cut − its own.
"""

import json
from pathlib import Path

from connprune.report.aligned import aligned

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


if __name__ == "__main__":
    print(procedures())
