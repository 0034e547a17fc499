"""The table of grown cuts beside baselines that grew in the same way: a mean over searches.

python docs/results/grown.py [SWEEP.json…]

Each file is the sweep of one search that benchmarks/grow.sh leaves; without any it is those of this folder. `points` is
the accuracy of the grown cut less the baseline's, of which several random wirings of a search are one.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from connprune.analysis.statistics import paired_difference
from connprune.documents.comparison import CUT
from connprune.documents.sweep import Cell, Sweep
from connprune.report.aligned import aligned
from connprune.report.intervals import in_points

FOLDER = Path(__file__).parent


def by_network(document: Sweep) -> dict[str, list[Cell]]:
    """The cells of each network, whose name has no number any more."""
    found: dict[str, list[Cell]] = {}
    for cell in document.rows:
        found.setdefault(cell.cell["network"].rstrip("-0123456789"), []).append(cell)
    return found


def table(paths: Sequence[Path]) -> str:
    """A line for each network."""
    searches = [by_network(Sweep.read(json.loads(path.read_text(encoding="utf-8")), path.name)) for path in paths]
    tests = {name: [fmean(cell.test_accuracy for cell in search[name]) for search in searches] for name in searches[0]}
    lines = []
    for name, accuracies in tests.items():
        cells = [cell for search in searches for cell in search[name]]
        counts = [f"{fmean(getattr(cell, count) for cell in cells):,.0f}" for count in ("parameters", "macs")]
        difference = None if name == CUT else paired_difference(tests[CUT], accuracies)
        ends = [*in_points(difference), difference.verdict if difference else "-"]
        lines.append([name, str(len(searches)), *counts, f"{fmean(accuracies):.2%}", *ends])
    columns = ["grown network", "searches", "parameters", "MACs", "test", "points", "95% interval", ""]
    return aligned(columns, lines, left=1)


if __name__ == "__main__":
    print(table([Path(path) for path in sys.argv[1:]] or sorted(FOLDER.glob("grown-*.json"))))
