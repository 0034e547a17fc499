"""Where cuts stand among all wirings of four layers, whose accuracies four-layers.json has.

python docs/results/ranks.py CUT… > docs/results/four-layers-ranks.json
python docs/results/ranks.py

A CUT is one of a search in the layers of four-layers.yaml. Without one it prints the table of docs/experiments.md. The
networks of four-layers.json have the order of the enumeration, but for its own cut; the counts of the others tell its
place.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from connprune.architecture.architecture import Architecture
from connprune.architecture.cutting import restricted
from connprune.architecture.equal_cost import costs_the_same
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.documents.comparison import CUT, Comparison
from connprune.experiments.compared import ComparedCut
from connprune.report.aligned import aligned
from connprune.runs.directory import RunDirectory

FILE = Path(__file__).with_name("four-layers.json")
RANKS = FILE.with_name("four-layers-ranks.json")


def counts(architecture: Architecture) -> tuple[int, int]:
    """Its parameters and its MACs."""
    return parameter_count(architecture), mac_count(architecture)


def table() -> str:
    """A line for each cut."""
    lines, found = [], json.loads(RANKS.read_text(encoding="utf-8"))
    for row in found["rows"]:
        costs = [f"{row[key]:,}" for key in ("connections", "parameters", "macs")]
        places = [f"{row['place']} of {found['wirings']}", f"{row['place_at_equal_cost']} of {row['of_equal_cost']}"]
        lines.append([row["cut"], *costs, f"{row['mean']:.2%}", *places])
    columns = ["cut", "connections", "parameters", "MACs", "test", "place", "at equal cost"]
    return aligned(columns, lines, left=1)


def ranks(paths: Sequence[str]) -> str:
    """A row for each cut, as JSON."""
    cuts = [(path, ComparedCut.of(RunDirectory.open(Path(path)), None, None).pair) for path in paths]
    document = Comparison.read(json.loads(FILE.read_text(encoding="utf-8")), FILE.name)
    networks = {network.name: network for row in document.rows for network in row.networks}
    others = [network for name, network in networks.items() if name != CUT]
    found = [(round(network.parameters), round(network.macs)) for network in others]
    parent = cuts[0][1].parent
    wirings = [restricted(parent, wiring) for wiring in cuts[0][1].space]
    costs = [counts(wiring) for wiring in wirings]
    place = next(at for at in range(len(wirings)) if costs[:at] == found[:at] and costs[at + 1 :] == found[at:])
    ordered = [*others[:place], networks[CUT], *others[place:]]
    accuracies = [fmean(run.test_accuracy for run in network.runs) for network in ordered]
    rows = []
    for path, pair in cuts:
        (own,) = (at for at, wiring in enumerate(wirings) if wiring.connections == pair.cut.connections)
        alike = [
            accuracy
            for accuracy, cost in zip(accuracies, costs, strict=True)
            if all(map(costs_the_same, cost, costs[own]))
        ]
        rows.append(
            {
                "cut": Path(path).name,
                "connections": len(pair.cut.all_connections),
                "parameters": costs[own][0],
                "macs": costs[own][1],
                "mean": round(accuracies[own], 6),
                "place": 1 + sum(other > accuracies[own] for other in accuracies),
                "place_at_equal_cost": 1 + sum(other > accuracies[own] for other in alike),
                "of_equal_cost": len(alike),
            }
        )
    return json.dumps({"kind": "ranks", "wirings": len(wirings), "rows": rows})


if __name__ == "__main__":
    print(ranks(sys.argv[1:]) if sys.argv[1:] else table())
