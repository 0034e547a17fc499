"""The table of cuts of one, two and three passes: what one more pass is worth at the MACs of one.

python docs/results/passes.py

The files are what benchmarks/cycles.sh leaves of its sequences. `points` is the accuracy less that of one pass, paired
by the seed of the search.
"""

import json
from pathlib import Path
from statistics import fmean, stdev

from connprune.analysis.statistics import paired_difference
from connprune.documents.comparison import CUT, Comparison
from connprune.report.aligned import aligned
from connprune.report.intervals import in_points

FOLDER = Path(__file__).parent


def table() -> str:
    """A line for each number of passes."""
    lines: list[list[str]] = []
    one: list[float] = []
    for passes in (1, 2, 3):
        path = FOLDER / f"passes-sequence-{passes}.json"
        document = Comparison.read(json.loads(path.read_text(encoding="utf-8")), path.name)
        row = next(row for row in document.rows if row.network == CUT)
        found = [fmean(run.test_accuracy for run in network.runs) for network in row.networks]
        ends = in_points(paired_difference(found, one) if one else None)
        one = one or found
        counts = [f"{row.connections:.1f}", f"{row.parameters:,.0f}", f"{row.macs:,.0f}"]
        lines.append([str(passes), *counts, f"{fmean(found):.2%}", f"{100 * stdev(found):.2f}", *ends])
    return aligned(["passes", "connections", "parameters", "MACs", "test", "std", "points", "95% interval"], lines)


if __name__ == "__main__":
    print(table())
