"""What a row of a comparison says of the cut, in a sentence that its numbers carry."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from connprune.analysis.statistics import Difference
from connprune.architecture.equal_cost import costs_the_same

# The counts that make a cost equal or not, with their words.
COSTS = {"parameters": "parameters", "macs": "MACs"}
_PLURAL = {"seed": "seeds", "search": "searches"}


def cost(networks: Sequence[Mapping[str, Any]], ours: Mapping[str, Any]) -> dict[str, Any]:
    """What the cut costs beside a row's networks.

    Returns:
        `times`, for each of `COSTS` how many times the mean of the row's the cut has, null where they have none; and
        `equal`, whether each of them has as many as the cut within the tolerance of `random-cost`.
    """
    means = {key: fmean(network[key] for network in networks) for key in COSTS}
    return {
        "times": {key: ours[key] / mean if mean else None for key, mean in means.items()},
        "equal": all(costs_the_same(network[key], ours[key]) for network in networks for key in COSTS),
    }


def verdict(row: Mapping[str, Any], unit: str = "seed") -> str:
    """One row's outcome in a sentence, what the cut costs beside it included: an advantage may be bought.

    Args:
        row: of the other network, or networks.
        unit: what the interval is over, a seed or a search.
    """
    name = row["network"] if row["count"] == 1 else f"the mean of {row['count']} {row['network']}"
    found = row["difference"]
    if found is None:
        return f"{name}: no seed in common with the cut."
    text = f"{_outcome(found, unit)}, {_cost(row['cost'])}"
    if row["rank"]:
        text += f"; the cut ranks {_rank(row['rank'])}, percentile {row['rank']['percentile']:.0f}"
    return f"{name}: {text}."


def _rank(found: Mapping[str, Any]) -> str:
    if "places" in found:
        places = ", ".join(map(str, found["places"]))
        return f"first of {found['of']} in {found['first']} of {len(found['places'])} searches (places {places})"
    tied = f", {found['ties']} tied" if found["ties"] else ""
    return f"{found['place']} of {found['of']}{tied}"


def _outcome(found: Mapping[str, Any], unit: str) -> str:
    difference = Difference(found["mean"], found["low"], found["high"], found["pairs"])
    seeds = f"{difference.pairs} {unit if difference.pairs == 1 else _PLURAL[unit]}"
    if difference.low is None or difference.high is None or difference.verdict == "too few seeds":
        return f"the cut is {difference.mean * 100:+.2f} points from it at {seeds}, too few to claim a difference"
    interval = f"95% interval {difference.low * 100:+.2f} to {difference.high * 100:+.2f} points"
    if difference.verdict == "no difference found":
        return f"no difference found at {seeds} ({interval})"
    return f"the cut is {difference.verdict} by {abs(difference.mean) * 100:.2f} points ({interval}, {seeds})"


def _cost(found: Mapping[str, Any]) -> str:
    times = [_beside(found["times"][key], name) for key, name in COSTS.items()]
    where = f" in {found['unequal']} of {found['of']} searches" if 0 < found.get("unequal", 0) < found["of"] else ""
    what = f"{'equal' if found['equal'] else 'unequal'} cost{where}"
    return f"at {what}: {' and '.join(times)}"


def _beside(ratio: float | None, name: str) -> str:
    return f"there are no {name} to compare with" if ratio is None else f"{_times(ratio)} times the {name}"


def _times(ratio: float) -> str:
    """Two digits, three near 1, or a whole number."""
    if 0.9 < ratio < 1.1:
        return f"{ratio:.3g}"
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}"
