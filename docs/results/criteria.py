"""Where the cuts of each criterion stand among all wirings of a parent.

python docs/results/criteria.py COMPARISON PARENT > docs/results/NAME.json

COMPARISON is the directory of a finished `retrain --against all`, PARENT the run that its cut came from.
"""

import json
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from connprune.architecture import Architecture
from connprune.architecture.cutting import cut_by_scores
from connprune.architecture.rules import Keep
from connprune.data.sources import load
from connprune.documents.base import SCHEMA
from connprune.documents.comparison import Comparison
from connprune.errors import DisconnectedError
from connprune.runs.directory import RunDirectory
from connprune.runs.links import read_document
from connprune.training.importance import CRITERIA
from connprune.training.pruning import examine


def wiring(architecture: Architecture) -> str:
    """The wiring as text, the same for the same connections."""
    return json.dumps({target: list(sources) for target, sources in architecture.connections.items()}, sort_keys=True)


def main() -> None:
    """Prints a row for each criterion and each number of connections that it is asked to keep."""
    comparison, parent = RunDirectory(Path(sys.argv[1])), RunDirectory(Path(sys.argv[2]))
    document = read_document(Comparison, comparison.comparison)
    means: dict[str, tuple[float, int]] = {}
    for row in document.rows:
        for network in row.networks:
            run = RunDirectory(comparison.path / "jobs" / network.name / f"seed-{document.seeds[0]}")
            mean = fmean(training.test_accuracy for training in network.runs)
            means[wiring(run.architecture())] = (mean, int(network.connections))
    rows: list[dict[str, Any]] = []
    for by in CRITERIA:
        examined = examine(parent, by, "connection", lambda found: load(found.data), torch.device("cpu"))
        for keep in range(len(examined.scores), 0, -1):
            try:
                outcome = cut_by_scores(examined.network.architecture, examined.scores, Keep(keep))
            except DisconnectedError:
                break
            mean, connections = means[wiring(outcome.architecture)]
            same = [other for other, count in means.values() if count == connections]
            rows.append(
                {
                    "by": by,
                    "keep": keep,
                    "connections": connections,
                    "mean": round(mean, 6),
                    "place": 1 + sum(other > mean for other, _ in means.values()),
                    "place_among_as_many": 1 + sum(other > mean for other in same),
                    "as_many": len(same),
                }
            )
    print(json.dumps({"schema": SCHEMA, "kind": "criteria", "wirings": len(means), "rows": rows}))


if __name__ == "__main__":
    main()
