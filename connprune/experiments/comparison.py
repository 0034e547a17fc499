"""What the trainings of a cut and of its baselines say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import fmean

from connprune.analysis.statistics import mean_of_all, paired_difference, rank, std
from connprune.architecture.architecture import Architecture
from connprune.documents.comparison import CUT, Comparison, Counts, Network, Row, Training, Unit
from connprune.documents.plan import ComparisonPlan
from connprune.documents.run import Start, Trained
from connprune.documents.statistics import Difference, Rank
from connprune.errors import ConnpruneError
from connprune.experiments.plan import Job, Plan
from connprune.experiments.verdict import cost, verdict
from connprune.runs.directory import RunDirectory

# Of a row with more networks than this, the first ones are timed.
MOST_TIMED = 8

METHODS: dict[Unit, str] = {
    "seed": "mean of the paired differences over seeds, 95% interval by Student's t, not corrected for the number of "
    "baselines",
    "search": "mean over searches of cut − its own baseline, each the mean over its seeds, 95% interval by Student's t "
    "over searches, not corrected for the number of baselines",
}

_TESTED: Callable[[Training], float] = attrgetter("test_accuracy")

Measure = Callable[[Mapping[str, Architecture]], dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Wired:
    """A network with the wiring that it was trained with."""

    network: Network
    architecture: Architecture


def collect(plan: Plan[ComparisonPlan], measure: Measure) -> Comparison:
    """The comparison of one cut.

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
            finished.setdefault(job.candidate, []).append(job)
    trained = {
        row: [_trained(name, finished[name]) for name in names if name in finished] for row, names in plan.rows.items()
    }
    if not trained[CUT]:
        raise ConnpruneError(f"{plan.path}: no training of the cut is finished yet.")
    some = [each for several in trained.values() for each in several[:MOST_TIMED]]
    measured = measure({each.network.name: each.architecture for each in some})
    networks = {row: [each.network for each in several] for row, several in trained.items()}
    rows = rows_of(networks, measured)
    return Comparison(
        path=str(plan.path),
        cuts=plan.document.cuts,
        rules=plan.document.rules,
        epochs=plan.document.epochs,
        seeds=plan.seeds,
        unit="seed",
        unfinished=len(plan.unfinished),
        method=METHODS["seed"],
        rows=rows,
        verdicts=tuple(verdict(row, "seed") for row in rows[1:]),
    )


def _trained(name: str, finished: Sequence[Job]) -> Wired:
    """What the finished trainings of one network gave."""
    summaries = {job.seed: job.run.trained() for job in finished}

    # An evolution ends with another wiring for each seed.
    every = list(summaries.values())
    network = Network(
        name=name,
        **mean_counts(every).model_dump(),
        runs=tuple(training_of(seed, summary) for seed, summary in summaries.items()),
        start=start_of(finished[0].run),
    )
    return Wired(network, finished[0].run.architecture())


def start_of(run: RunDirectory) -> Start:
    """What the weights of a training started from; an earlier version wrote down none but the cut's."""
    return run.summary.start or ("cut" if run.initial.exists() else "scratch")


def training_of(seed: int, summary: Trained) -> Training:
    """What a comparison says of one training."""
    return Training(
        seed=seed,
        validation_accuracy=summary.final.validation_accuracy,
        test_accuracy=summary.final.test_accuracy,
        training_seconds=summary.training_seconds,
        wall_seconds=summary.wall_seconds,
    )


def mean_counts(networks: Sequence[Counts | Trained]) -> Counts:
    """The mean of each count over networks, or over trainings of one."""
    return Counts.model_validate({key: fmean(getattr(each, key) for each in networks) for key in Counts.model_fields})


def rows_of(
    networks: Mapping[str, Sequence[Network]], measured: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[Row, ...]:
    """A row for the cut, and one for each baseline that has networks.

    Args:
        networks: for each row; the row `cut` has a single one, and comes first.
        measured: the latencies of networks by name, in seconds by batch size.
    """
    (ours,) = networks[CUT]
    return tuple(_row(name, several, ours, measured or {}) for name, several in networks.items() if several)


def _row(name: str, networks: Sequence[Network], ours: Network, measured: Mapping[str, Mapping[str, float]]) -> Row:
    tested, validated = _by_seed(networks, _TESTED), _by_seed(networks, attrgetter("validation_accuracy"))
    timed = [measured[network.name] for network in networks[:MOST_TIMED] if network.name in measured]
    trainings = [training for network in networks for training in network.runs]
    is_ours = name == CUT
    return Row(
        network=name,
        count=len(networks),
        searches=1,
        seeds=len(tested),
        test_accuracy=mean_of_all(tested.values()),
        test_std=std(list(tested.values())),
        validation_accuracy=mean_of_all(validated.values()),
        start=networks[0].start,
        **mean_counts(networks).model_dump(),
        cost=None if is_ours else cost(networks, ours),
        latency_seconds={batch: fmean(each[batch] for each in timed) for batch in timed[0]} if timed else None,
        training_seconds=mean_of_all(training.training_seconds for training in trainings),
        wall_seconds=mean_of_all(training.wall_seconds for training in trainings),
        difference=None if is_ours else _difference(ours, networks),
        rank=_rank(ours, networks) if len(networks) > 1 else None,
        networks=tuple(networks),
    )


def _difference(ours: Network, networks: Sequence[Network]) -> Difference | None:
    """The cut's result less the mean of the row's networks, over the seeds that all of them have."""
    mine, theirs = _by_seed([ours], _TESTED), _by_seed(networks, _TESTED)
    both = [seed for seed in mine if seed in theirs]
    return paired_difference([mine[seed] for seed in both], [theirs[seed] for seed in both]) if both else None


def _rank(ours: Network, networks: Sequence[Network]) -> Rank | None:
    """The cut's place among the row's networks by the mean over the seeds that all of them have."""
    results = [_by_seed([network], _TESTED) for network in (ours, *networks)]
    common = [seed for seed in results[0] if all(seed in each for each in results)]
    if not common:
        return None
    mine, *theirs = (fmean(each[seed] for seed in common) for each in results)
    return rank(mine, theirs)


def _by_seed(networks: Sequence[Network], measure: Callable[[Training], float]) -> dict[int, float]:
    """The mean over networks for each seed that all of them have."""
    results = [{training.seed: measure(training) for training in network.runs} for network in networks]
    return {seed: fmean(each[seed] for each in results) for seed in results[0] if all(seed in each for each in results)}
