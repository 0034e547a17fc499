"""What a row of a comparison says of the cut, in a sentence that its numbers carry."""

from collections.abc import Sequence
from statistics import fmean

from connprune.architecture.equal_cost import costs_the_same
from connprune.documents.comparison import UNITS, Cost, Network, Ratios, Row, Unit
from connprune.documents.statistics import Difference, Rank


def cost(networks: Sequence[Network], ours: Network) -> Cost:
    """What the cut costs beside a row's networks, of one search."""
    equal = all(
        costs_the_same(network.parameters, ours.parameters) and costs_the_same(network.macs, ours.macs)
        for network in networks
    )
    return Cost(
        ratios=Ratios(
            parameters=_ratio(ours.parameters, fmean(network.parameters for network in networks)),
            macs=_ratio(ours.macs, fmean(network.macs for network in networks)),
        ),
        equal=equal,
        unequal=int(not equal),
        of=1,
    )


def verdict(row: Row, unit: Unit) -> str:
    """One row's outcome in a sentence, what the cut costs beside it included: an advantage may be bought.

    Args:
        row: of a baseline.
        unit: what the interval is over.
    """
    name = row.network if row.count == 1 else f"the mean of {row.count} {row.network}"
    if row.difference is None or row.cost is None:
        return f"{name}: no seed in common with the cut."
    text = f"{_outcome(row.difference, unit)}, {_cost(row.cost)}"
    if row.rank:
        text += f"; the cut ranks {_rank(row.rank, unit)}, percentile {row.rank.percentile:.0f}"
    return f"{name}: {text}."


def _ratio(ours: float, theirs: float) -> float | None:
    return ours / theirs if theirs else None


def _rank(rank: Rank, unit: Unit) -> str:
    if unit == "search":
        ranks = ", ".join(map(str, rank.places))
        return f"first of {rank.of} in {rank.first} of {len(rank.places)} searches (places {ranks})"
    tied = f", {rank.ties[0]} tied" if rank.ties[0] else ""
    return f"{rank.places[0]} of {rank.of}{tied}"


def _outcome(difference: Difference, unit: Unit) -> str:
    pairs = f"{difference.pairs} {unit if difference.pairs == 1 else UNITS[unit]}"
    apart = f"the cut is {difference.mean * 100:+.2f} points from it at"
    if difference.low is None or difference.high is None or difference.verdict == "too few seeds":
        return f"{apart} {pairs}, too few to claim a difference"
    if difference.verdict == "no variation":
        return f"{apart} each of {pairs}, which gives no interval to claim a difference by"
    interval = f"95% interval {difference.low * 100:+.2f} to {difference.high * 100:+.2f} points"
    if difference.verdict == "not significantly different":
        return f"not significantly different at {pairs} ({interval} includes zero)"
    return f"the cut is {difference.verdict} by {abs(difference.mean) * 100:.2f} points ({interval}, {pairs})"


def _cost(cost: Cost) -> str:
    ratios = (_beside(cost.ratios.parameters, "parameters"), _beside(cost.ratios.macs, "MACs"))
    where = f" in {cost.unequal} of {cost.of} searches" if 0 < cost.unequal < cost.of else ""
    return f"at {'equal' if cost.equal else 'unequal'} cost{where}: {' and '.join(ratios)}"


def _beside(ratio: float | None, name: str) -> str:
    return f"there are no {name} to compare with" if ratio is None else f"{_times(ratio)} times the {name}"


def _times(ratio: float) -> str:
    """Two digits, three near 1, or a whole number."""
    if 0.9 < ratio < 1.1:
        return f"{ratio:.3g}"
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}"
