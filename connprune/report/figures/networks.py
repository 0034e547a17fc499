"""Networks as points: what each costs and what it achieves."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from connprune.documents.comparison import Comparison
from connprune.documents.sweep import Sweep
from connprune.report.figures.labels import plain, shortened


@dataclass(frozen=True)
class Network:
    """A network, or the mean of several, as a point.

    Attributes:
        name: its label; empty for one of several.
        group: what it belongs to; networks of a group look alike.
        parameters, macs: what it costs.
        accuracy: on the test images, the mean over the repetitions, 0 to 1.
        deviation: the standard deviation of that, as tables and the page have it; 0 of one repetition, and of one of
            several networks.
    """

    name: str
    group: str
    parameters: float
    macs: float
    accuracy: float
    deviation: float

    @property
    def label(self) -> str:
        """What stands beside its point."""
        return plain(shortened(self.name, 28))


def of_comparison(document: Comparison) -> list[Network]:
    """The networks of a comparison; those of a row are a group.

    A row of several networks has their mean as a point with a name.
    """
    networks = []
    for row in document.rows:
        if row.count > 1:
            networks += [
                Network("", row.network, each.parameters, each.macs, fmean(run.test_accuracy for run in each.runs), 0.0)
                for each in row.networks
                if each.runs
            ]
        if row.test_accuracy is not None:
            name = f"{row.network}, mean of {row.count}" if row.count > 1 else row.network
            networks.append(
                Network(name, row.network, row.parameters, row.macs, row.test_accuracy, row.test_std or 0.0)
            )
    return networks


def of_sweep(document: Sweep) -> list[Network]:
    """The cells of a sweep; those with the same label on the first axis are a group."""
    return [
        Network(
            ", ".join(row.cell.values()),
            next(iter(row.cell.values())),
            row.parameters,
            row.macs,
            row.test_accuracy,
            row.test_std or 0.0,
        )
        for row in document.rows
    ]


def differ(networks: Sequence[Network]) -> bool:
    """Whether the networks cost different amounts, so that there is something to see."""
    return len({(network.parameters, network.macs) for network in networks}) > 1
