"""The table of one, two and three passes: in cuts of at most the same MACs, and in what they were cut from.

python docs/results/passes.py

The files are what benchmarks/cycles.sh leaves, passes-DATA-PASSES.json. `points` is the
accuracy less that of one pass, paired by the seed of the search.
"""

import json
from itertools import product
from pathlib import Path
from statistics import fmean, stdev

from connprune.analysis.statistics import paired_difference
from connprune.documents.comparison import CUT, Comparison
from connprune.report.aligned import aligned
from connprune.report.intervals import in_points

FOLDER = Path(__file__).parent


def table() -> str:
    """A line for each data set, network and number of passes."""
    lines: list[list[str]] = []
    for data, network in product(("digits", "sequence"), (CUT, "parent")):
        one: list[float] = []
        for passes in (1, 2, 3):
            path = FOLDER / f"passes-{data}-{passes}.json"
            document = Comparison.read(json.loads(path.read_text(encoding="utf-8")), path.name)
            row = next(row for row in document.rows if row.network == network)
            found = [fmean(run.test_accuracy for run in trained.runs) for trained in row.networks]
            ends = in_points(paired_difference(found, one) if one else None)
            one = one or found
            counts = [f"{row.connections:.1f}", f"{row.parameters:,.0f}", f"{row.macs:,.0f}"]
            accuracy = [f"{fmean(found):.2%}", f"{100 * stdev(found):.2f}"]
            lines.append([data, network, str(passes), *counts, *accuracy, *ends])
    header = ["data", "network", "passes", "connections", "parameters", "MACs", "test", "std", "points", "95% interval"]
    return aligned(header, lines, left=2)


if __name__ == "__main__":
    print(table())
