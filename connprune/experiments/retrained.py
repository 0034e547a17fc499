"""One retrained cut beside its parent: a comparison of one seed with one baseline that was trained before."""

from connprune.documents.comparison import CUT, Comparison, Counts, Network, Training
from connprune.documents.cut import CutDocument
from connprune.experiments.comparison import METHODS, mean_counts, rows_of, start_of, training_of
from connprune.experiments.verdict import verdict
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration


def compare(cut: RunDirectory, document: CutDocument, retrained: RunDirectory) -> Comparison:
    """The comparison of a retrained cut with its parent, which counts as if it had been trained with the same seed.

    Args:
        cut: the cut.
        document: its own.
        retrained: a finished training of the cut architecture.
    """
    summary, before = retrained.trained(), document.before
    seed = read_configuration(retrained).training.seed
    ours = Network(
        name=CUT, runs=(training_of(seed, summary),), start=start_of(retrained), **mean_counts([summary]).model_dump()
    )
    once = Training(
        seed=seed,
        validation_accuracy=before.validation_accuracy,
        test_accuracy=before.test_accuracy,
        training_seconds=document.training_seconds,
        wall_seconds=document.wall_seconds,
    )
    parent = Network(
        name="parent", runs=(once,), start="scratch", **before.model_dump(include=set(Counts.model_fields))
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
