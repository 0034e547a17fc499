"""The page of a comparison: a cut beside its baselines."""

from contextlib import suppress
from pathlib import Path

from connprune.architecture.architecture import Architecture
from connprune.documents.comparison import Comparison
from connprune.documents.plan import ComparisonPlan
from connprune.errors import UsageError
from connprune.experiments.plan import Plan
from connprune.report.html.points import chart_data
from connprune.report.html.run import about, before_cut
from connprune.report.html.wiring import is_part, maps_left, wiring_data
from connprune.runs.directory import RunDirectory

# Wirings of so many networks are drawn.
MOST_DRAWN = 60


def comparison_data(document: Comparison, plan: Plan[ComparisonPlan]) -> dict[str, object]:
    """Everything that the page of a comparison shows.

    Args:
        document: the comparison.
        plan: the comparison.
    """
    data: dict[str, object] = {
        "title": Path(document.path).resolve().name,
        "about": about((job.run.summary for job in plan.jobs if job.is_finished), _origins(plan)),
        "tiles": [
            ["networks", f"{sum(row.count for row in document.rows):,}"],
            ["seeds", str(len(document.seeds))],
            ["epochs each", str(document.epochs)],
            ["trainings not finished", str(document.unfinished)],
        ],
        "sentences": [
            f"The cut ({'; '.join(dict.fromkeys(document.rules))}) beside its baselines.",
            *document.verdicts,
        ],
        "document": document.plain(),
        "chart": chart_data(document),
    }
    wirings = _architectures(plan)
    parent = _parent(plan)
    if parent and wirings and all(is_part(parent, each) for each in wirings.values()):
        data["wiring"] = wiring_data(parent)
        data["wirings"] = {name: maps_left(parent, each) for name, each in wirings.items()}
    return data


def _origins(plan: Plan[ComparisonPlan]) -> list[str | None]:
    """What the searches of the cuts began with, of those that are still where they were."""
    found = []
    for path in plan.document.cuts:
        with suppress(UsageError, OSError):
            found.append(RunDirectory.open(Path(path)).summary.origin)
    return found


def _architectures(plan: Plan) -> dict[str, Architecture]:
    """The wiring of each network, of an evolution that of its first seed."""
    wirings: dict[str, Architecture] = {}
    for job in plan.jobs:
        if job.candidate not in wirings and len(wirings) < MOST_DRAWN and job.is_finished:
            wirings[job.candidate] = job.run.architecture()
    return wirings


def _parent(plan: Plan[ComparisonPlan]) -> Architecture | None:
    """What all wirings are part of; of several searches, whose parents have the same layers, that of the first."""
    try:
        parent = before_cut(RunDirectory.open(Path(plan.document.cuts[0])))
    except (UsageError, OSError):
        return None
    return parent.architecture if parent else None
