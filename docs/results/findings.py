"""The table of docs/results.md: cuts beside random wirings and other networks that cost as much, and beside a chain.

python docs/results/findings.py

`size` is how many times the baseline's parameters the cut has, `MACs` how many times its MACs, `its` the baseline's
accuracy, in brackets the number of networks that this is the mean of. `n` counts searches, or where there
was one its seeds.
"""

import json
from pathlib import Path

from connprune.documents.comparison import Comparison
from connprune.report.aligned import aligned
from connprune.report.intervals import in_points

FOLDER = Path(__file__).parent
# What was trained, its file, and the row of the baseline.
WANTED = [
    ("half", "equal-cost-50", "random-cost"),
    ("half", "equal-cost-50", "dense-scaled-params"),
    ("half", "equal-cost-50", "dense-scaled-macs"),
    ("half", "equal-cost-50", "chain-scaled-params"),
    ("half", "equal-cost-50", "chain-scaled-macs"),
    ("quarter", "equal-cost-25", "random-cost"),
    ("quarter", "equal-cost-25", "dense-scaled-macs"),
    ("eighth", "equal-cost-12", "random-cost"),
    ("averaged", "equal-cost-averaged-50", "random-cost"),
    ("digits", "equal-cost-digits-50", "random-cost"),
    ("at once", "cifar-retrained", "chain"),
    ("at once", "cifar-retrained", "random-params"),
    ("strong", "cifar-strong-retrained", "chain"),
    ("strong", "cifar-strong-retrained", "random"),
    ("digits cut", "digits", "chain"),
    ("digits cut", "digits-params", "random-params"),
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
        times = [f"{cut.parameters / row.parameters:.2f}", f"{cut.macs / row.macs:.2f}"]
        baseline = name if row.count == 1 else f"{name} ({row.count})"
        count = row.repetitions(document.unit)
        lines.append([what, baseline, *times, *accuracies, str(count), *in_points(row.difference)])
    columns = ["network", "baseline", "size", "MACs", "cut", "its", "n", "points", "95% interval"]
    return aligned(columns, lines, left=2)


if __name__ == "__main__":
    print(findings())
