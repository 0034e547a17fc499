"""What the trainings of a cut and of its rivals say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from connprune.analysis.statistics import LEVEL, mean_of_all, paired_difference, rank, spread
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import SCHEMA
from connprune.errors import ConnpruneError
from connprune.experiments.plan import CUT, Job, Plan
from connprune.experiments.verdict import cost, verdict

MEASURE = "test_accuracy"
COUNTS = ("connections", "layers", "parameters", "macs")
# Of a row with more networks than this, the first ones are timed.
MOST_TIMED = 8

Measure = Callable[[Mapping[str, Architecture]], dict[str, dict[str, float]]]


def collect(plan: Plan, measure: Measure) -> dict[str, Any]:
    """The comparison as one document.

    Rows in which some seeds are missing are compared over those that both have.

    Args:
        plan: a comparison; every training that is finished counts.
        measure: gives the latencies of networks by name.

    Raises:
        ConnpruneError: no training of the cut is finished.
    """
    finished: dict[str, list[Job]] = {}
    for job in plan.jobs:
        if job.is_finished:
            finished.setdefault(job.member, []).append(job)
    networks = {
        row: [_network(name, finished[name]) for name in names if name in finished]
        for row, names in plan.members.items()
    }
    if not networks[CUT]:
        raise ConnpruneError(f"{plan.path}: no training of the cut is finished yet.")
    measured = _latencies(networks, measure)
    ours = networks[CUT][0]
    rows = [_row(row, found, ours, measured) for row, found in networks.items() if found]
    return {
        "schema": SCHEMA,
        "kind": "comparison",
        "path": str(plan.path),
        **{key: plan.about.get(key) for key in ("cut", "rule", "epochs")},
        "seeds": list(plan.seeds),
        "unfinished": len(plan.unfinished),
        "measure": MEASURE,
        "method": f"mean of the paired differences over seeds, {LEVEL:.0%} interval by Student's t, not corrected for "
        "the number of rivals",
        "rows": rows,
        "verdicts": [verdict(row) for row in rows if row["network"] != CUT],
    }


def _network(member: str, finished: Sequence[Job]) -> dict[str, Any]:
    """What the finished trainings of one network gave."""
    summaries = {job.seed: job.run.summary for job in finished}
    return {
        "name": member,
        "architecture": finished[0].run.architecture(),
        # An evolution ends with another wiring for each seed.
        **{key: fmean(summary[key] for summary in summaries.values()) for key in COUNTS},
        "runs": [
            {
                "seed": seed,
                **{key: summary["final"][key] for key in ("validation_accuracy", "test_accuracy")},
                "training_seconds": summary["training_seconds"],
                "wall_seconds": summary.get("wall_seconds"),
            }
            for seed, summary in summaries.items()
        ],
    }


def _latencies(networks: Mapping[str, list[dict[str, Any]]], measure: Measure) -> dict[str, dict[str, float]]:
    some = [network for found in networks.values() for network in found[:MOST_TIMED]]
    return measure({network["name"]: network["architecture"] for network in some})


def _row(
    row: str, networks: list[dict[str, Any]], ours: dict[str, Any], measured: Mapping[str, dict[str, float]]
) -> dict[str, Any]:
    by_seed = _by_seed(networks, MEASURE)
    timed = [measured[network["name"]] for network in networks[:MOST_TIMED] if network["name"] in measured]
    counts = {key: fmean(network[key] for network in networks) for key in COUNTS}
    members = [{key: value for key, value in network.items() if key != "architecture"} for network in networks]
    return {
        "network": row,
        "count": len(networks),
        "seeds": len(by_seed),
        "mean": _mean(by_seed),
        "deviation": spread(list(by_seed.values())),
        "validation_mean": _mean(_by_seed(networks, "validation_accuracy")),
        **counts,
        "cost": None if row == CUT else cost(networks, ours),
        "latency_seconds": {batch: fmean(one[batch] for one in timed) for batch in timed[0]} if timed else None,
        "training_seconds": fmean(run["training_seconds"] for network in networks for run in network["runs"]),
        "wall_seconds": mean_of_all(run["wall_seconds"] for network in networks for run in network["runs"]),
        "difference": None if row == CUT else _difference(ours, networks),
        "rank": _rank(ours, networks) if len(networks) > 1 else None,
        "members": members,
    }


def _difference(ours: dict[str, Any], networks: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The cut's result less the mean of the row's networks, over the seeds that all of them have."""
    mine, theirs = _by_seed([ours], MEASURE), _by_seed(networks, MEASURE)
    both = [seed for seed in mine if seed in theirs]
    if not both:
        return None
    found = paired_difference([mine[seed] for seed in both], [theirs[seed] for seed in both])
    return {**asdict(found), "verdict": found.verdict}


def _rank(ours: dict[str, Any], networks: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The cut's place among the row's networks by the mean over the seeds that all of them have."""
    every = [{run["seed"]: run[MEASURE] for run in network["runs"]} for network in (ours, *networks)]
    common = [seed for seed in every[0] if all(seed in each for each in every)]
    if not common:
        return None
    mine, *theirs = (fmean(each[seed] for seed in common) for each in every)
    return asdict(rank(mine, theirs))


def _by_seed(networks: Sequence[dict[str, Any]], key: str) -> dict[int, float]:
    """The mean over networks for each seed that all of them have."""
    found = [{run["seed"]: float(run[key]) for run in network["runs"]} for network in networks]
    return {seed: fmean(each[seed] for each in found) for seed in found[0] if all(seed in each for each in found)}


def _mean(by_seed: Mapping[int, float]) -> float | None:
    return fmean(by_seed.values()) if by_seed else None
