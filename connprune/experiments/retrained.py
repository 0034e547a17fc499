"""One retrained cut beside its parent: a comparison of one seed with one baseline that was trained before."""

from connprune.documents.comparison import CUT, Comparison, Network, Training
from connprune.documents.cut import CutDocument
from connprune.experiments.comparison import METHODS, rows_of
from connprune.experiments.verdict import verdict
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration


def compare(cut: RunDirectory, document: CutDocument, retrained: RunDirectory) -> Comparison:
    """The comparison of a retrained cut with its parent.

    Args:
        cut: the cut.
        document: its own.
        retrained: a finished training of the cut architecture.
    """
    summary, before = retrained.trained(), document.before
    seed = read_configuration(retrained).training.seed
    ours = Network(
        name=CUT,
        connections=summary.connections,
        layers=summary.layers,
        parameters=summary.parameters,
        macs=summary.macs,
        runs=(
            Training(
                seed=seed,
                validation_accuracy=summary.final.validation_accuracy,
                test_accuracy=summary.final.test_accuracy,
                training_seconds=summary.training_seconds,
                wall_seconds=summary.wall_seconds,
            ),
        ),
    )
    parent = Network(
        name="parent",
        connections=before.connections,
        layers=before.layers,
        parameters=before.parameters,
        macs=before.macs,
        runs=(
            Training(
                seed=seed,
                validation_accuracy=before.validation_accuracy,
                test_accuracy=before.test_accuracy,
                training_seconds=document.training_seconds or 0.0,
                wall_seconds=document.wall_seconds,
            ),
        ),
    )
    rows = rows_of({CUT: [ours], "parent": [parent]})
    return Comparison(
        path=str(retrained.path),
        cuts=(str(cut.path),),
        rules=(document.rule,),
        epochs=summary.epochs,
        seeds=(seed,),
        unit="seed",
        unfinished=0,
        method=METHODS["seed"],
        rows=rows,
        verdicts=tuple(verdict(row, "seed") for row in rows[1:]),
    )
