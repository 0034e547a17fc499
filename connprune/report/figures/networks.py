"""Networks as points: what each costs and what it achieves, and which of them are on the Pareto front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

    A row of several networks has their mean as a point with a name. The cut, or what was retrained, comes first.
    """
    found = []
    rows = document["rows"]
    for row in rows if "members" in rows[0] else reversed(rows):
        name = row["network"]
        if "members" not in row:
            found.append(Network(name, name, row["parameters"], row["macs"], (row["test_accuracy"],)))
            continue
        members = [member for member in row["members"] if member["runs"]]
        several = [
            Network("", name, member["parameters"], member["macs"], tuple(_by_seed(member).values()))
            for member in members
        ]
        if len(several) == 1:
            found.append(replace(several[0], name=name))
        elif several:
            found += [*several, _mean(f"{name}, mean of {len(several)}", several, members)]
    return found


def of_sweep(document: Mapping[str, Any]) -> list[Network]:
    """The cells of a sweep; those with the same label on the first axis are a group."""
    return [
        Network(", ".join(row["cell"].values()), next(iter(row["cell"].values())), row["parameters"], row["macs"],
                tuple(_by_seed(row).values()))
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


def _mean(name: str, networks: Sequence[Network], documents: Sequence[Mapping[str, Any]]) -> Network:
    """The mean of networks, seed by seed over those that have it."""
    runs = [_by_seed(document) for document in documents]
    seeds = dict.fromkeys(seed for each in runs for seed in each)
    return Network(
        name,
        networks[0].group,
        fmean(network.parameters for network in networks),
        fmean(network.macs for network in networks),
        tuple(fmean(each[seed] for each in runs if seed in each) for seed in seeds),
    )


def _by_seed(document: Mapping[str, Any]) -> dict[int, float]:
    return {run["seed"]: float(run["test_accuracy"]) for run in document["runs"]}
