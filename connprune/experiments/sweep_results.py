"""What the trainings of a sweep say."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from statistics import fmean
from typing import Any

from connprune.analysis.agreement import agreement
from connprune.analysis.statistics import LEVEL, mean_of_all, paired_difference, spread
from connprune.architecture.base import CLOSED, SCHEMA
from connprune.errors import ConnpruneError, UsageError
from connprune.experiments.plan import Plan
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration

MEASURE = "test_accuracy"


def collect(plan: Plan) -> dict[str, Any]:
    """The sweep as one document: a row for each cell, and for each axis what its labels do on the average.

    Raises:
        ConnpruneError: no training is finished.
    """
    cells: dict[str, dict[str, str]] = plan.about["cells"]
    runs = {(name, seed): plan.job(name, seed) for name in cells for seed in plan.seeds}
    finished = {key: run.summary for key, run in runs.items() if run.is_finished}
    if not finished:
        raise ConnpruneError(f"{plan.path}: no training is finished yet.")
    _require_same_images(runs[key] for key in finished)
    rows = [_row(name, cell, {seed: finished[name, seed] for seed in plan.seeds if (name, seed) in finished})
            for name, cell in cells.items()]  # fmt: skip
    return {
        "schema": SCHEMA,
        "kind": "sweep",
        "path": str(plan.path),
        "seeds": list(plan.seeds),
        "unfinished": len(plan.unfinished),
        "measure": MEASURE,
        "method": f"mean over the other axes, paired by seed, {LEVEL:.0%} interval by Student's t",
        "rows": [row for row in rows if row["runs"]],
        "axes": {axis: _axis(plan, axis, finished) for axis in next(iter(cells.values()))},
    }


def _require_same_images(runs: Iterable[RunDirectory]) -> None:
    """Refuses trainings that want the same images and were made with different ones, as the place may hold others now.

    Raises:
        UsageError: two were.
    """
    firsts: dict[str, RunDirectory] = {}
    for run in runs:
        first = firsts.setdefault(read_configuration(run).data.model_dump_json(exclude={"cache"}), run)
        if first.summary.get("data_digest") != run.summary.get("data_digest"):
            raise UsageError(
                f"{run.path}: this was trained with other images than {first.path}, so the two cannot be compared; "
                "start a new sweep, or remove one of them."
            )


def _row(name: str, cell: Mapping[str, str], summaries: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    finals = [summary["final"] for summary in summaries.values()]
    closed = [summary["gates_closed"] for summary in summaries.values() if summary.get("gates_closed") is not None]
    accuracies = [final[MEASURE] for final in finals]
    return {
        "name": name,
        "cell": dict(cell),
        "seeds": len(finals),
        "mean": fmean(accuracies) if finals else None,
        "deviation": spread(accuracies) if finals else None,
        "validation_mean": fmean(final["validation_accuracy"] for final in finals) if finals else None,
        "gates_closed": fmean(closed) if closed else None,
        "gated_connections": next((summary["gated_connections"] for summary in summaries.values()), None),
        "parameters": next((summary["parameters"] for summary in summaries.values()), None),
        "macs": next((summary["macs"] for summary in summaries.values()), None),
        "training_seconds": fmean(summary["training_seconds"] for summary in summaries.values()) if finals else None,
        "wall_seconds": mean_of_all(summary.get("wall_seconds") for summary in summaries.values()),
        "runs": [
            {
                "seed": seed,
                **{key: summary["final"][key] for key in ("validation_accuracy", "test_accuracy")},
                "gates_closed": summary.get("gates_closed"),
                "training_seconds": summary["training_seconds"],
                "wall_seconds": summary.get("wall_seconds"),
            }
            for seed, summary in summaries.items()
        ],
    }


def _axis(plan: Plan, axis: str, finished: Mapping[tuple[str, int], dict[str, Any]]) -> list[dict[str, Any]]:
    """For each label of an axis its results, and how they differ from the first label's."""
    cells: dict[str, dict[str, str]] = plan.about["cells"]
    labels = list(dict.fromkeys(cell[axis] for cell in cells.values()))
    found = []
    for label in labels:
        names = [name for name, cell in cells.items() if cell[axis] == label]
        partners = [_partner(cells, name, axis, labels[0]) for name in names]
        seeds = [
            seed for seed in plan.seeds if all((name, seed) in finished for name in [*names, *partners])
        ]  # fmt: skip
        ours = [fmean(finished[name, seed]["final"][MEASURE] for name in names) for seed in seeds]
        theirs = [fmean(finished[name, seed]["final"][MEASURE] for name in partners) for seed in seeds]
        difference = paired_difference(ours, theirs) if seeds and label != labels[0] else None
        found.append(
            {
                "label": label,
                "seeds": len(seeds),
                "mean": fmean(ours) if seeds else None,
                "difference": None
                if difference is None
                else {**asdict(difference), "verdict": difference.verdict, "from": labels[0]},
                "wiring": _wiring(plan, names, partners, seeds),
            }
        )
    return found


def _partner(cells: Mapping[str, Mapping[str, str]], name: str, axis: str, label: str) -> str:
    """The cell that differs only in this axis."""
    wanted = {**cells[name], axis: label}
    return next(other for other, cell in cells.items() if cell == wanted)


def _wiring(plan: Plan, names: list[str], partners: list[str], seeds: list[int]) -> dict[str, float | None] | None:
    """How alike the gates ended: under this label and the first one, and under this label between seeds."""
    if not seeds or not all(plan.job(name, seed).gates.exists() for name in names for seed in seeds):
        return None
    every = dict.fromkeys([*names, *partners])
    runs = {(name, seed): plan.job(name, seed) for name in every for seed in seeds}
    histories = {key: run.read_gates() for key, run in runs.items() if run.gates.exists()}
    between = [agreement([histories[name, seed] for seed in seeds], CLOSED) for name in names]
    across = [
        agreement([histories[name, seed], theirs], CLOSED)
        for name, partner in zip(names, partners, strict=True)
        for seed in seeds
        if (theirs := histories.get((partner, seed))) and theirs.connections == histories[name, seed].connections
    ]
    result: dict[str, float | None] = {
        "gates_closed": fmean(float((~found.kept).sum(1).mean()) for found in between),
        "decided_epoch": fmean(epoch for found in between for epoch in found.decided),
    }
    if len(seeds) > 1:
        result["jaccard_between_seeds"] = fmean(found.mean_jaccard for found in between)
        result["correlation_between_seeds"] = _mean_defined(found.mean_correlation for found in between)
    if across:
        result["jaccard_with_first"] = fmean(found.mean_jaccard for found in across)
        result["correlation_with_first"] = _mean_defined(found.mean_correlation for found in across)
    return result


def _mean_defined(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None
