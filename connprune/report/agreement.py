"""How far several runs agree, as a document and as text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from connprune.analysis.agreement import Agreement
from connprune.documents.base import SCHEMA
from connprune.report.aligned import aligned


def agreement_document(found: Agreement, names: Sequence[str]) -> dict[str, Any]:
    """The agreement as plain data; a correlation that is not defined is null."""
    votes, spread = found.votes, found.spread
    return {
        "schema": SCHEMA,
        "kind": "agreement",
        "runs": list(names),
        "threshold": found.threshold,
        "mean_correlation": found.mean_correlation,
        "mean_jaccard": found.mean_jaccard,
        "chance_jaccard": found.mean_chance,
        "correlation": [[None if np.isnan(value) else float(value) for value in row] for row in found.correlation],
        "jaccard": found.jaccard.tolist(),
        **_kept_by(found),
        "decided_epochs": list(found.decided),
        "epochs": [len(path) - 1 for path in found.paths],
        "connections": [
            {
                "source": connection.source,
                "target": connection.target,
                "kept_by": int(votes[number]),
                "gates": found.final[:, number].tolist(),
                "final_spread": float(found.final[:, number].std(ddof=1)),
                "mean_path_spread": float(spread[:, number].mean()),
                "largest_path_spread": float(spread[:, number].max()),
            }
            for number, connection in enumerate(found.connections)
        ],
    }


def cuts_document(found: Agreement, names: Sequence[str]) -> dict[str, Any]:
    """The agreement of several cuts as plain data."""
    votes = found.votes
    return {
        "schema": SCHEMA,
        "kind": "cuts",
        "runs": list(names),
        "mean_jaccard": found.mean_jaccard,
        "chance_jaccard": found.mean_chance,
        "jaccard": found.jaccard.tolist(),
        "kept": found.kept.sum(1).tolist(),
        **_kept_by(found),
        "connections": [
            {"source": connection.source, "target": connection.target, "kept_by": int(votes[number])}
            for number, connection in enumerate(found.connections)
        ],
    }


def cuts_text(document: dict[str, Any]) -> str:
    """A row for each connection, then what they add up to."""
    cuts = len(document["runs"])
    rows = [[row["source"], row["target"], f"{row['kept_by']}/{cuts}"] for row in document["connections"]]
    return "\n".join(
        [
            aligned(["source", "target", "kept by"], rows, left=2),
            "",
            f"{cuts} cuts of {len(rows)} gated connections, which keep {', '.join(map(str, document['kept']))}: "
            f"{len(document['kept_by_all'])} kept by all, {len(document['kept_by_some'])} by some, "
            f"{len(document['kept_by_none'])} by none",
            f"overlap of what is kept (Jaccard, mean of all pairs) {document['mean_jaccard']:.2f}, "
            f"by chance {document['chance_jaccard']:.2f}",
        ]
    )


def agreement_text(document: dict[str, Any]) -> str:
    """A row for each connection, then what they add up to."""
    runs = len(document["runs"])
    header = ["source", "target", "kept by", "mean gate", "spread", "spread on the way"]
    rows = [
        [
            row["source"],
            row["target"],
            f"{row['kept_by']}/{runs}",
            f"{np.mean(row['gates']):.4f}",
            f"{row['final_spread']:.4f}",
            f"{row['mean_path_spread']:.4f}",
        ]
        for row in document["connections"]
    ]
    decided = ", ".join(
        f"{epoch}/{total}" for epoch, total in zip(document["decided_epochs"], document["epochs"], strict=True)
    )
    return "\n".join(
        [
            aligned(header, rows, left=2),
            "",
            f"{runs} runs, threshold {document['threshold']:g}: {len(document['kept_by_all'])} connections kept by "
            f"all, {len(document['kept_by_some'])} by some, {len(document['kept_by_none'])} by none",
            f"overlap of what is kept (Jaccard) {document['mean_jaccard']:.2f}, "
            f"by chance {document['chance_jaccard']:.2f}",
            f"correlation of the final gates: {_number(document['mean_correlation'])}",
            f"which gates close was decided after epoch: {decided}",
        ]
    )


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2f}"


def _kept_by(found: Agreement) -> dict[str, list[str]]:
    votes, most = found.votes, found.kept.shape[0]
    return {
        "kept_by_all": _names(found, votes == most),
        "kept_by_some": _names(found, (votes > 0) & (votes < most)),
        "kept_by_none": _names(found, votes == 0),
    }


def _names(found: Agreement, chosen: Any) -> list[str]:
    return [str(connection) for connection, is_chosen in zip(found.connections, chosen, strict=True) if is_chosen]
