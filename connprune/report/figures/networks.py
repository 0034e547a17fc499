"""Networks as points: what each costs and what it achieves, and which of them are on the Pareto front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from connprune.report.figures.labels import plain, shortened


@dataclass(frozen=True)
class Network:
    """A network, or the mean of several, as a point.

    Attributes:
        name: its label; empty for one of several.
        group: what it belongs to; networks of a group look alike.
        parameters, macs: what it costs.
        accuracies: on the test images, 0 to 1, one for each seed.
    """

    name: str
    group: str
    parameters: float
    macs: float
    accuracies: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """The mean over seeds, 0 to 1."""
        return fmean(self.accuracies)

    @property
    def label(self) -> str:
        """What stands beside its point."""
        return plain(shortened(self.name, 28))


def of_comparison(document: Mapping[str, Any]) -> list[Network]:
    """The networks of a comparison, or of a retrained run's `comparison.json`; those of a row are a group.

    A row of several networks has a label on the best of them alone. The cut, or what was retrained, comes first.
    """
    found = []
    rows = document["rows"]
    for row in rows if "members" in rows[0] else reversed(rows):
        if "members" not in row:
            found.append(
                Network(row["network"], row["network"], row["parameters"], row["macs"], (row["test_accuracy"],))
            )
            continue
        group = [
            Network("", row["network"], member["parameters"], member["macs"], _accuracies(member))
            for member in row["members"]
            if member["runs"]
        ]
        best = max(group, key=lambda network: network.accuracy, default=None)
        name = row["network"] if len(group) == 1 else f"{row['network']}, {len(group)} networks"
        for network in group:
            label = name if network is best else ""
            found.append(Network(label, network.group, network.parameters, network.macs, network.accuracies))
    return found


def of_sweep(document: Mapping[str, Any]) -> list[Network]:
    """The cells of a sweep; those with the same label on the first axis are a group."""
    return [
        Network(", ".join(row["cell"].values()), next(iter(row["cell"].values())), row["parameters"], row["macs"],
                _accuracies(row))
        for row in document["rows"]
        if row["runs"] and row["parameters"] is not None
    ]  # fmt: skip


def differ(networks: Sequence[Network]) -> bool:
    """Whether the networks cost different amounts, so that there is something to see."""
    return len({(network.parameters, network.macs) for network in networks}) > 1


def front(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """The Pareto front: what nothing else beats in one respect without losing in the other, by rising cost."""
    order = sorted(range(len(costs)), key=lambda number: (costs[number], -gains[number]))
    found: list[int] = []
    for number in order:
        if not found or gains[number] > gains[found[-1]]:
            found.append(number)
    return found


def _accuracies(found: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(float(run["test_accuracy"]) for run in found["runs"])
