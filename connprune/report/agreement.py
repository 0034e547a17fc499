"""How far several runs agree, as a document and as text."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from connprune.analysis.agreement import Agreement
from connprune.documents.agreement import CutAgreement, GateVote, RunAgreement, Vote
from connprune.report.aligned import aligned


def agreement_document(found: Agreement, names: Sequence[str]) -> RunAgreement:
    """The agreement of several runs."""
    votes, std = found.votes, found.std
    return RunAgreement(
        runs=tuple(names),
        threshold=found.threshold,
        mean_correlation=found.mean_correlation,
        mean_jaccard=found.mean_jaccard,
        chance_jaccard=found.mean_chance,
        correlation=tuple(
            tuple(None if np.isnan(value) else float(value) for value in row) for row in found.correlation
        ),
        jaccard=found.jaccard.tolist(),
        **_kept_by(found),
        decided_epochs=tuple(found.decided),
        epochs=tuple(len(path) - 1 for path in found.paths),
        votes=tuple(
            GateVote(
                source=connection.source,
                target=connection.target,
                kept_by=int(votes[number]),
                gates=found.final[:, number].tolist(),
                final_std=float(found.final[:, number].std(ddof=1)),
                mean_path_std=float(std[:, number].mean()),
                largest_path_std=float(std[:, number].max()),
            )
            for number, connection in enumerate(found.connections)
        ),
    )


def cuts_document(found: Agreement, names: Sequence[str]) -> CutAgreement:
    """The agreement of several cuts."""
    return CutAgreement(
        runs=tuple(names),
        mean_jaccard=found.mean_jaccard,
        chance_jaccard=found.mean_chance,
        jaccard=found.jaccard.tolist(),
        kept=found.kept.sum(1).tolist(),
        **_kept_by(found),
        votes=tuple(
            Vote(source=connection.source, target=connection.target, kept_by=int(votes))
            for connection, votes in zip(found.connections, found.votes, strict=True)
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


def _kept_by(found: Agreement) -> dict[str, tuple[str, ...]]:
    votes, most = found.votes, found.kept.shape[0]
    return {
        "kept_by_all": _names(found, votes == most),
        "kept_by_some": _names(found, (votes > 0) & (votes < most)),
        "kept_by_none": _names(found, votes == 0),
    }


def _names(found: Agreement, chosen: Any) -> tuple[str, ...]:
    return tuple(str(connection) for connection, is_chosen in zip(found.connections, chosen, strict=True) if is_chosen)
