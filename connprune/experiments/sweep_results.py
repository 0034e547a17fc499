"""What the trainings of a sweep say."""

from collections.abc import Iterable, Mapping
from statistics import fmean

from connprune.analysis.agreement import agreement
from connprune.analysis.statistics import mean_of_all, paired_difference, std
from connprune.architecture.base import CLOSED
from connprune.documents.plan import SweepPlan
from connprune.documents.run import Trained
from connprune.documents.sweep import Cell, CellTraining, Label, Sweep, Wirings
from connprune.errors import ConnpruneError, UsageError
from connprune.experiments.plan import Plan
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration

METHOD = "mean over the other axes, paired by seed, 95% interval by Student's t"


def collect(plan: Plan[SweepPlan]) -> Sweep:
    """A row for each cell, and for each axis what its labels do on the average.

    Raises:
        ConnpruneError: no training is finished.
    """
    cells = plan.document.cells
    runs = {(name, seed): plan.job(name, seed) for name in cells for seed in plan.seeds}
    finished = {key: run.trained() for key, run in runs.items() if run.is_finished}
    if not finished:
        raise ConnpruneError(f"{plan.path}: no training is finished yet.")
    _require_same_images(runs[key] for key in finished)
    of_each = {name: {seed: finished[name, seed] for seed in plan.seeds if (name, seed) in finished} for name in cells}
    return Sweep(
        path=str(plan.path),
        seeds=plan.seeds,
        unfinished=len(plan.unfinished),
        method=METHOD,
        rows=tuple(_row(name, cells[name], summaries) for name, summaries in of_each.items() if summaries),
        axes={axis: _axis(plan, axis, finished) for axis in next(iter(cells.values()))},
    )


def _require_same_images(runs: Iterable[RunDirectory]) -> None:
    """Refuses trainings that want the same images and were made with different ones, as the place may hold others now.

    Raises:
        UsageError: two were.
    """
    firsts: dict[str, RunDirectory] = {}
    for run in runs:
        first = firsts.setdefault(read_configuration(run).data.model_dump_json(exclude={"cache"}), run)
        if first.summary.data_digest != run.summary.data_digest:
            raise UsageError(
                f"{run.path}: this was trained with other images than {first.path}, so the two cannot be compared; "
                "start a new sweep, or remove one of them."
            )


def _row(name: str, cell: Mapping[str, str], summaries: Mapping[int, Trained]) -> Cell:
    runs = tuple(
        CellTraining(
            seed=seed,
            validation_accuracy=summary.final.validation_accuracy,
            test_accuracy=summary.final.test_accuracy,
            gates_closed=summary.gates_closed,
            training_seconds=summary.training_seconds,
            wall_seconds=summary.wall_seconds,
        )
        for seed, summary in summaries.items()
    )
    closed = [run.gates_closed for run in runs if run.gates_closed is not None]
    accuracies = [run.test_accuracy for run in runs]
    first = next(iter(summaries.values()))
    return Cell(
        name=name,
        cell=dict(cell),
        seeds=len(runs),
        test_accuracy=fmean(accuracies),
        test_std=std(accuracies),
        validation_accuracy=fmean(run.validation_accuracy for run in runs),
        gates_closed=fmean(closed) if closed else None,
        gated_connections=first.gated_connections,
        parameters=first.parameters,
        macs=first.macs,
        training_seconds=fmean(run.training_seconds for run in runs),
        wall_seconds=mean_of_all(run.wall_seconds for run in runs),
        runs=runs,
    )


def _axis(plan: Plan[SweepPlan], axis: str, finished: Mapping[tuple[str, int], Trained]) -> tuple[Label, ...]:
    """For each label of an axis its results, and how they differ from the first label's."""
    cells = plan.document.cells
    labels = list(dict.fromkeys(cell[axis] for cell in cells.values()))
    rows = []
    for label in labels:
        names = [name for name, cell in cells.items() if cell[axis] == label]
        partners = [_partner(cells, name, axis, labels[0]) for name in names]
        seeds = [seed for seed in plan.seeds if all((name, seed) in finished for name in [*names, *partners])]
        ours = [fmean(finished[name, seed].final.test_accuracy for name in names) for seed in seeds]
        theirs = [fmean(finished[name, seed].final.test_accuracy for name in partners) for seed in seeds]
        rows.append(
            Label(
                label=label,
                seeds=len(seeds),
                test_accuracy=fmean(ours) if seeds else None,
                difference=paired_difference(ours, theirs) if seeds and label != labels[0] else None,
                wirings=_wirings(plan, names, partners, seeds),
            )
        )
    return tuple(rows)


def _partner(cells: Mapping[str, Mapping[str, str]], name: str, axis: str, label: str) -> str:
    """The cell that differs only in this axis."""
    wanted = {**cells[name], axis: label}
    return next(other for other, cell in cells.items() if cell == wanted)


def _wirings(plan: Plan[SweepPlan], names: list[str], partners: list[str], seeds: list[int]) -> Wirings | None:
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
    several = len(seeds) > 1
    return Wirings(
        gates_closed=fmean(float((~pair.kept).sum(1).mean()) for pair in between),
        decided_epoch=fmean(epoch for pair in between for epoch in pair.decided),
        jaccard_between_seeds=fmean(pair.mean_jaccard for pair in between) if several else None,
        correlation_between_seeds=_mean_defined(pair.mean_correlation for pair in between) if several else None,
        jaccard_with_first=fmean(pair.mean_jaccard for pair in across) if across else None,
        correlation_with_first=_mean_defined(pair.mean_correlation for pair in across),
    )


def _mean_defined(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None
