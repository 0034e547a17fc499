"""Networks as points: what each costs and what it achieves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from connprune.documents.comparison import Comparison, Training
from connprune.documents.sweep import Sweep
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
    def deviation(self) -> float:
        """The standard deviation over seeds, as tables and the page have it; 0 of one seed, or of one of several."""
        return stdev(self.accuracies) if self.name and len(self.accuracies) > 1 else 0.0

    @property
    def label(self) -> str:
        """What stands beside its point."""
        return plain(shortened(self.name, 28))


def of_comparison(document: Comparison) -> list[Network]:
    """The networks of a comparison; those of a row are a group.

    A row of several networks has their mean as a point with a name. The cut comes first.
    """
    networks = []
    for row in document.rows:
        trained = [network for network in row.networks if network.runs]
        several = [
            Network("", row.network, network.parameters, network.macs, tuple(_by_seed(network.runs).values()))
            for network in trained
        ]
        if len(several) == 1:
            networks.append(replace(several[0], name=row.network))
        elif several:
            name = f"{row.network}, mean of {len(several)}"
            networks += [*several, _mean(name, several, [_by_seed(network.runs) for network in trained])]
    return networks


def of_sweep(document: Sweep) -> list[Network]:
    """The cells of a sweep; those with the same label on the first axis are a group."""
    return [
        Network(
            ", ".join(row.cell.values()),
            next(iter(row.cell.values())),
            row.parameters,
            row.macs,
            tuple(_by_seed(row.runs).values()),
        )
        for row in document.rows
    ]


def differ(networks: Sequence[Network]) -> bool:
    """Whether the networks cost different amounts, so that there is something to see."""
    return len({(network.parameters, network.macs) for network in networks}) > 1


def _mean(name: str, networks: Sequence[Network], runs: Sequence[dict[int, float]]) -> Network:
    """The mean of networks, seed by seed over those that have it."""
    seeds = dict.fromkeys(seed for each in runs for seed in each)
    return Network(
        name,
        networks[0].group,
        fmean(network.parameters for network in networks),
        fmean(network.macs for network in networks),
        tuple(fmean(each[seed] for each in runs if seed in each) for seed in seeds),
    )


def _by_seed(trainings: Sequence[Training]) -> dict[int, float]:
    return {training.seed: training.test_accuracy for training in trainings}
