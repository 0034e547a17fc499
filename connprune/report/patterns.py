"""Which connection patterns recur, as a document and as text."""

from collections.abc import Sequence

from connprune.analysis.patterns import DRAWS, Recurrence
from connprune.documents.patterns import PatternRow, Patterns
from connprune.report.aligned import aligned

_METHOD = (
    f"chance: {DRAWS:,} times a random live wiring for each cut, within the network that was searched and of as many "
    "connections as the cut; the interval holds 95% of them, not corrected for the number of patterns"
)


def patterns_document(found: Sequence[Recurrence], names: Sequence[str]) -> Patterns:
    """The patterns of several cuts."""
    rows = (
        PatternRow(
            **each.pattern._asdict(),
            kept=each.kept,
            possible=each.possible,
            chance=each.chance,
            chance_low=each.low,
            chance_high=each.high,
            verdict=each.verdict,
            targets=each.targets,
            stages=each.stages,
            searches=each.searches,
        )
        for each in found
    )
    return Patterns(runs=tuple(names), method=_METHOD, rows=tuple(rows))


def patterns_text(document: Patterns) -> str:
    """A row for each pattern, then how many are kept more and less often than by chance."""
    header = ["source", "target", "distance", "kept", "of", "chance", "95% of chance", "targets", "stages", "cuts", ""]
    rows = [
        [
            row.source,
            row.target,
            *map(str, (row.distance, row.kept, row.possible, f"{row.chance:.1f}")),
            f"{row.chance_low} to {row.chance_high}",
            *map(str, (row.targets, row.stages, row.searches)),
            "" if row.verdict == "as chance" else row.verdict,
        ]
        for row in document.rows
    ]
    more, less = (sum(row.verdict == verdict for row in document.rows) for verdict in ("more", "less"))
    cuts = f"{len(document.runs)} {'cut' if len(document.runs) == 1 else 'cuts'}"
    return (
        f"{aligned(header, rows, left=2)}\n\nof {len(rows)} patterns in {cuts} {more} are kept more often than by "
        f"chance, {less} less often\n{document.method}"
    )
