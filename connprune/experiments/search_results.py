"""What the trainings of several cuts say: the search is the unit, each with its own cut and its own baselines."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from connprune.analysis.statistics import mean_of_all, paired_difference, std
from connprune.documents.comparison import CUT, Comparison, Cost, Ratios, Row, Search
from connprune.documents.plan import ComparisonPlan
from connprune.documents.statistics import Rank
from connprune.errors import ConnpruneError
from connprune.experiments import comparison
from connprune.experiments.plan import Plan
from connprune.experiments.verdict import verdict


def collect(plan: Plan[ComparisonPlan], measure: comparison.Measure) -> Comparison:
    """The comparison of one cut or of several searches.

    Args:
        plan: every training that is finished counts.
        measure: gives the latencies of networks by name.

    Raises:
        ConnpruneError: no training of a cut is finished.
    """
    cuts = plan.document.cuts
    if len(cuts) == 1:
        return comparison.collect(plan, measure)
    comparisons: dict[int, Comparison] = {}
    for number in range(1, len(cuts) + 1):
        ours = _of_search(plan, number)
        if any(job.is_finished for job in ours.jobs if job.candidate in ours.rows[CUT]):
            comparisons[number] = comparison.collect(ours, measure)
    if not comparisons:
        raise ConnpruneError(f"{plan.path}: no training of a cut is finished yet.")
    all_rows = [row for each in comparisons.values() for row in each.rows]
    names = dict.fromkeys(row.network for row in all_rows)
    rows = tuple(_over_searches([row for row in all_rows if row.network == name]) for name in names)
    return Comparison(
        path=str(plan.path),
        cuts=cuts,
        rules=plan.document.rules,
        epochs=plan.document.epochs,
        seeds=plan.seeds,
        unit="search",
        unfinished=len(plan.unfinished),
        method=comparison.METHODS["search"],
        rows=rows,
        verdicts=tuple(verdict(row, "search") for row in rows[1:]),
        searches=tuple(
            Search(search=number, rule=each.rules[0], rows=each.rows, verdicts=each.verdicts)
            for number, each in comparisons.items()
        ),
    )


def _of_search(plan: Plan[ComparisonPlan], number: int) -> Plan[ComparisonPlan]:
    """The part of a plan that belongs to one search, as the comparison of a single cut."""
    rows = {row.partition("/"): names for row, names in plan.rows.items()}
    ours = {row: names for (place, _, row), names in rows.items() if place == str(number)}
    whole = plan.document
    own: dict[str, object] = {
        "rows": ours,
        "cuts": (whole.cuts[number - 1],),
        "rules": (whole.rules[number - 1],),
        "seeds": whole.seeds_of(f"{number}/{CUT}"),
        "search_seeds": (),
    }
    return replace(plan, document=whole.model_copy(update=own))


def _over_searches(rows: Sequence[Row]) -> Row:
    """A row over searches.

    Args:
        rows: the row of the same name of each search that has one.
    """
    tested = _known(rows, lambda row: row.test_accuracy)
    timed = [row.latency_seconds for row in rows if row.latency_seconds]
    differences = [row.difference.mean for row in rows if row.difference]
    return Row(
        network=rows[0].network,
        count=max(row.count for row in rows),
        searches=len(tested),
        seeds=min(row.seeds for row in rows),
        test_accuracy=mean_of_all(tested),
        test_std=std(tested),
        validation_accuracy=mean_of_all(_known(rows, lambda row: row.validation_accuracy)),
        start=rows[0].start,
        **comparison.mean_counts(rows).model_dump(),
        cost=cost_over_searches([row.cost for row in rows if row.cost]),
        latency_seconds={batch: fmean(each[batch] for each in timed) for batch in timed[0]} if timed else None,
        training_seconds=mean_of_all(row.training_seconds for row in rows),
        wall_seconds=mean_of_all(row.wall_seconds for row in rows),
        difference=paired_difference(differences, [0.0] * len(differences)) if differences else None,
        rank=_rank([row.rank for row in rows if row.rank]),
        networks=tuple(network for row in rows for network in row.networks),
    )


def _known(rows: Iterable[Row], value: Callable[[Row], float | None]) -> list[float]:
    return [known for row in rows if (known := value(row)) is not None]


def cost_over_searches(costs: Sequence[Cost]) -> Cost | None:
    """The mean ratio of each count, and in how many searches the cost is equal."""
    if not costs:
        return None
    return Cost(
        ratios=Ratios(
            parameters=mean_of_all([each.ratios.parameters for each in costs if each.ratios.parameters is not None]),
            macs=mean_of_all([each.ratios.macs for each in costs if each.ratios.macs is not None]),
        ),
        equal=all(each.equal for each in costs),
        unequal=sum(each.unequal for each in costs),
        of=len(costs),
    )


def _rank(ranks: Sequence[Rank]) -> Rank | None:
    """The cut's place in each search, and in how many it is the first."""
    if not ranks:
        return None
    return Rank(
        places=tuple(place for each in ranks for place in each.places),
        ties=tuple(ties for each in ranks for ties in each.ties),
        of=max(each.of for each in ranks),
        first=sum(each.first for each in ranks),
        percentile=fmean(each.percentile for each in ranks),
    )
