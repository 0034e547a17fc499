"""How far several runs, or several cuts, agree."""

from typing import Literal

from connprune.documents.base import Document, Fraction, Natural, Part, Shown


class Vote(Part):
    """Of a gated connection.

    Attributes:
        source: where it comes from.
        target: where it goes to.
        kept_by: how many kept it.
    """

    source: str
    target: str
    kept_by: Natural


class GateVote(Vote):
    """Of a gated connection, with its gates.

    Attributes:
        gates: of each run at the end; of several gates of a connection the one of the largest magnitude.
        final_std: their standard deviation.
        mean_path_std: the mean over epochs of the standard deviation over runs.
        largest_path_std: the largest of these.
    """

    gates: tuple[float, ...]
    final_std: float
    mean_path_std: float
    largest_path_std: float


class CutAgreement(Document):
    """What `inspect` shows of several cuts.

    Attributes:
        kind: what it is.
        runs: their directories.
        mean_jaccard: the mean overlap of what two of them kept, 0 to 1.
        chance_jaccard: what random sets of the same sizes would have.
        jaccard: of each pair.
        kept: how many gated connections each kept.
        kept_by_all: these connections.
        kept_by_some: likewise.
        kept_by_none: likewise.
        votes: every gated connection.
    """

    kind: Literal["cut-agreement"] = "cut-agreement"
    runs: tuple[str, ...]
    mean_jaccard: Fraction
    chance_jaccard: Fraction
    jaccard: tuple[tuple[Fraction, ...], ...]
    kept: tuple[Natural, ...]
    kept_by_all: tuple[str, ...]
    kept_by_some: tuple[str, ...]
    kept_by_none: tuple[str, ...]
    votes: tuple[Vote, ...]


class RunAgreement(Shown):
    """What `inspect` shows of several runs.

    Attributes:
        kind: what it is.
        runs: their directories.
        threshold: below it a gate counts as closed.
        mean_correlation: of the gates of two runs at the end, −1 to 1; None where it is not defined.
        mean_jaccard: the mean overlap of what two of them keep, 0 to 1.
        chance_jaccard: what random sets of the same sizes would have.
        correlation: of each pair.
        jaccard: likewise.
        kept_by_all: these connections.
        kept_by_some: likewise.
        kept_by_none: likewise.
        decided_epochs: of each run the epoch after which no gate changed sides any more.
        epochs: of each run.
        votes: every gated connection.
    """

    kind: Literal["run-agreement"] = "run-agreement"
    runs: tuple[str, ...]
    threshold: float
    mean_correlation: float | None
    mean_jaccard: Fraction
    chance_jaccard: Fraction
    correlation: tuple[tuple[float | None, ...], ...]
    jaccard: tuple[tuple[Fraction, ...], ...]
    kept_by_all: tuple[str, ...]
    kept_by_some: tuple[str, ...]
    kept_by_none: tuple[str, ...]
    decided_epochs: tuple[Natural, ...]
    epochs: tuple[Natural, ...]
    votes: tuple[GateVote, ...]
