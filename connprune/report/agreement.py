"""How far several runs agree, as a document and as text."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from connprune.analysis.agreement import Agreement
from connprune.documents.agreement import CutAgreement, GateVote, RunAgreement, Vote
from connprune.report.aligned import aligned


def agreement_document(agreement: Agreement, names: Sequence[str]) -> RunAgreement:
    """The agreement of several runs."""
    votes, std = agreement.votes, agreement.std
    return RunAgreement(
        runs=tuple(names),
        threshold=agreement.threshold,
        mean_correlation=agreement.mean_correlation,
        mean_jaccard=agreement.mean_jaccard,
        chance_jaccard=agreement.mean_chance,
        correlation=tuple(
            tuple(None if np.isnan(value) else float(value) for value in row) for row in agreement.correlation
        ),
        jaccard=agreement.jaccard.tolist(),
        **_kept_by(agreement),
        decided_epochs=tuple(agreement.decided),
        epochs=tuple(len(path) - 1 for path in agreement.paths),
        votes=tuple(
            GateVote(
                source=connection.source,
                target=connection.target,
                kept_by=int(votes[number]),
                gates=agreement.final[:, number].tolist(),
                final_std=float(agreement.final[:, number].std(ddof=1)),
                mean_path_std=float(std[:, number].mean()),
                largest_path_std=float(std[:, number].max()),
            )
            for number, connection in enumerate(agreement.connections)
        ),
    )


def cuts_document(agreement: Agreement, names: Sequence[str]) -> CutAgreement:
    """The agreement of several cuts."""
    return CutAgreement(
        runs=tuple(names),
        mean_jaccard=agreement.mean_jaccard,
        chance_jaccard=agreement.mean_chance,
        jaccard=agreement.jaccard.tolist(),
        kept=agreement.kept.sum(1).tolist(),
        **_kept_by(agreement),
        votes=tuple(
            Vote(source=connection.source, target=connection.target, kept_by=int(votes))
            for connection, votes in zip(agreement.connections, agreement.votes, strict=True)
        ),
    )


def cuts_text(document: CutAgreement) -> str:
    """A row for each connection, then what they add up to."""
    cuts = len(document.runs)
    rows = [[vote.source, vote.target, f"{vote.kept_by}/{cuts}"] for vote in document.votes]
    return "\n".join(
        [
            aligned(["source", "target", "kept by"], rows, left=2),
            "",
            f"{cuts} cuts of {len(rows)} gated connections, which keep {', '.join(map(str, document.kept))}: "
            f"{len(document.kept_by_all)} kept by all, {len(document.kept_by_some)} by some, "
            f"{len(document.kept_by_none)} by none",
            f"overlap of what is kept (Jaccard, mean of all pairs) {document.mean_jaccard:.2f}, "
            f"by chance {document.chance_jaccard:.2f}",
        ]
    )


def agreement_text(document: RunAgreement) -> str:
    """A row for each connection, then what they add up to."""
    runs = len(document.runs)
    header = ["source", "target", "kept by", "mean gate", "std", "std on the way"]
    rows = [
        [
            vote.source,
            vote.target,
            f"{vote.kept_by}/{runs}",
            f"{fmean(vote.gates):.4f}",
            f"{vote.final_std:.4f}",
            f"{vote.mean_path_std:.4f}",
        ]
        for vote in document.votes
    ]
    pairs = zip(document.decided_epochs, document.epochs, strict=True)
    return "\n".join(
        [
            aligned(header, rows, left=2),
            "",
            f"{runs} runs, threshold {document.threshold:g}: {len(document.kept_by_all)} connections kept by "
            f"all, {len(document.kept_by_some)} by some, {len(document.kept_by_none)} by none",
            f"overlap of what is kept (Jaccard) {document.mean_jaccard:.2f}, by chance {document.chance_jaccard:.2f}",
            f"correlation of the final gates: {_number(document.mean_correlation)}",
            f"which gates close was decided after epoch: {', '.join(f'{epoch}/{total}' for epoch, total in pairs)}",
        ]
    )


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2f}"


def _kept_by(agreement: Agreement) -> dict[str, tuple[str, ...]]:
    votes, most = agreement.votes, agreement.kept.shape[0]
    return {
        "kept_by_all": _names(agreement, votes == most),
        "kept_by_some": _names(agreement, (votes > 0) & (votes < most)),
        "kept_by_none": _names(agreement, votes == 0),
    }


def _names(agreement: Agreement, chosen: Any) -> tuple[str, ...]:
    return tuple(
        str(connection) for connection, is_chosen in zip(agreement.connections, chosen, strict=True) if is_chosen
    )
