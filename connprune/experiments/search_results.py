"""What the trainings of several cuts say: the search is the unit, each with its own cut and its own baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from statistics import fmean
from typing import Any

from connprune.analysis.statistics import LEVEL, mean_of_all, paired_difference, spread
from connprune.architecture.base import SCHEMA
from connprune.errors import ConnpruneError
from connprune.experiments import comparison
from connprune.experiments.plan import CUT, Plan
from connprune.experiments.verdict import COSTS, verdict


def collect(plan: Plan, measure: comparison.Measure) -> dict[str, Any]:
    """The comparison as one document, be it of one cut or of several searches.

    Args:
        plan: every training that is finished counts.
        measure: gives the latencies of networks by name.

    Raises:
        ConnpruneError: no training of a cut is finished.
    """
    if not isinstance(plan.about.get("cut"), list):
        return comparison.collect(plan, measure)
    found: dict[int, dict[str, Any]] = {}
    for number in range(1, len(plan.about["cut"]) + 1):
        ours = _of_search(plan, number)
        if any(job.is_finished for job in ours.jobs if job.member in ours.members[CUT]):
            found[number] = comparison.collect(ours, measure)
    if not found:
        raise ConnpruneError(f"{plan.path}: no training of a cut is finished yet.")
    names = dict.fromkeys(row["network"] for each in found.values() for row in each["rows"])
    rows = [_row([row for each in found.values() for row in each["rows"] if row["network"] == name]) for name in names]
    rules = list(dict.fromkeys(map(str, plan.about["rule"])))
    return {
        "schema": SCHEMA,
        "kind": "comparison",
        "path": str(plan.path),
        "cut": plan.about["cut"],
        "rule": "; ".join(rules),
        "epochs": plan.about.get("epochs"),
        "seeds": list(plan.seeds),
        "unit": "search",
        "unfinished": len(plan.unfinished),
        "measure": comparison.MEASURE,
        "method": "mean over searches of the cut's result less its own baseline's, each the mean over its seeds, "
        f"{LEVEL:.0%} interval by Student's t over searches, not corrected for the number of rivals",
        "rows": rows,
        "verdicts": [verdict(row, "search") for row in rows if row["network"] != CUT],
        "searches": [{"search": number, **_kept(each)} for number, each in found.items()],
    }


def _of_search(plan: Plan, number: int) -> Plan:
    """The part of a plan that belongs to one search, as the comparison of a single cut."""
    rows = {row.partition("/"): names for row, names in plan.members.items()}
    ours = {row: names for (place, _, row), names in rows.items() if place == str(number)}
    about = {**plan.about, "cut": plan.about["cut"][number - 1], "rule": plan.about["rule"][number - 1]}
    return replace(plan, members=ours, about=about)


def _kept(document: Mapping[str, Any]) -> dict[str, Any]:
    """What of a search's comparison is its own; the paths of the cuts stand together."""
    return {key: document[key] for key in ("rule", "rows", "verdicts")}


def _row(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A row over searches of the rows of each.

    Args:
        found: the row of the same name of each search that has one.
    """
    means = [row["mean"] for row in found if row["mean"] is not None]
    validation = [row["validation_mean"] for row in found if row["validation_mean"] is not None]
    timed = [row["latency_seconds"] for row in found if row["latency_seconds"]]
    return {
        "network": found[0]["network"],
        "count": max(row["count"] for row in found),
        "searches": len(means),
        "seeds": min(row["seeds"] for row in found),
        "mean": fmean(means) if means else None,
        "deviation": spread(means),
        "validation_mean": fmean(validation) if validation else None,
        **{key: fmean(row[key] for row in found) for key in comparison.COUNTS},
        "cost": _cost([row["cost"] for row in found if row["cost"]]),
        "latency_seconds": {batch: fmean(one[batch] for one in timed) for batch in timed[0]} if timed else None,
        "training_seconds": fmean(row["training_seconds"] for row in found),
        "wall_seconds": mean_of_all(row["wall_seconds"] for row in found),
        "difference": _difference([row["difference"]["mean"] for row in found if row["difference"]]),
        "rank": _ranks([row["rank"] for row in found if row["rank"]]),
        "members": [member for row in found for member in row["members"]],
    }


def _difference(means: Sequence[float]) -> dict[str, Any] | None:
    """Of the searches' own differences, each of the cut less the row's networks."""
    if not means:
        return None
    found = paired_difference(means, [0.0] * len(means))
    return {**asdict(found), "verdict": found.verdict}


def _cost(found: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The mean ratio of each count; equal if it is in every search, and else in how many of how many it is not."""
    if not found:
        return None
    times = {key: [each["times"][key] for each in found if each["times"][key] is not None] for key in COSTS}
    return {
        "times": {key: fmean(values) if values else None for key, values in times.items()},
        "equal": all(each["equal"] for each in found),
        "unequal": sum(not each["equal"] for each in found),
        "of": len(found),
    }


def _ranks(found: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The cut's place in each search, and in how many it is the first, nobody tied with it."""
    if not found:
        return None
    return {
        "places": [each["place"] for each in found],
        "ties": [each["ties"] for each in found],
        "of": max(each["of"] for each in found),
        "first": sum(each["place"] == 1 and not each["ties"] for each in found),
        "percentile": fmean(each["percentile"] for each in found),
    }
