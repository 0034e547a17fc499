"""The table of docs/results.md: a cut beside a chain, and beside random wirings that cost as much.

python docs/results/findings.py

`size` is how many times the baseline's parameters the cut has, `its` the baseline's accuracy, in brackets the number of
networks that this is the mean of.
"""

import json
from pathlib import Path

from connprune.documents.comparison import Comparison
from connprune.report.aligned import aligned

FOLDER = Path(__file__).parent
# What was trained, its file, and the row of the baseline.
WANTED = [
    ("CIFAR-10", "cifar-retrained", "chain"),
    ("CIFAR-10", "cifar-retrained", "random-params"),
    ("strong", "cifar-strong-retrained", "chain"),
    ("strong", "cifar-strong-retrained", "random"),
    ("digits", "digits", "chain"),
    ("digits", "digits-params", "random-params"),
]


def findings() -> str:
    """A line for each."""
    lines = []
    for what, file, name in WANTED:
        document = Comparison.read(json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8")), file)
        cut, row = (next(each for each in document.rows if each.network == network) for network in ("cut", name))
        if row.difference is None or cut.test_accuracy is None or row.test_accuracy is None:
            raise ValueError(f"{file}: {name} is not finished.")
        accuracies = [f"{each.test_accuracy:.2%}" for each in (cut, row)]
        ends = (row.difference.mean, row.difference.low, row.difference.high)
        mean, low, high = (f"{100 * value:+.2f}" for value in ends if value is not None)
        times = f"{cut.parameters / row.parameters:.2f}"
        baseline = name if row.count == 1 else f"{name} ({row.count})"
        lines.append([what, baseline, times, *accuracies, str(row.seeds), mean, f"{low} to {high}"])
    columns = ["network", "baseline", "size", "cut", "its", "seeds", "points", "95% interval"]
    return aligned(columns, lines, left=2)


if __name__ == "__main__":
    print(findings())
