"""The page of several runs: how far they agree."""

from collections.abc import Sequence

from connprune.analysis.agreement import Agreement
from connprune.documents.agreement import RunAgreement
from connprune.report.html.history import agreement_data
from connprune.report.html.run import about
from connprune.report.html.wiring import wiring_data
from connprune.runs.directory import RunDirectory


def runs_data(
    document: RunAgreement, runs: Sequence[RunDirectory], agreement: Agreement, names: Sequence[str]
) -> dict[str, object]:
    """Everything that the page of several runs shows.

    Args:
        document: how far they agree.
        runs: the runs; their gated connections are the same.
        agreement: likewise, with their gates.
        names: short names of the runs.
    """
    architecture = runs[0].architecture()
    kept = [len(some) for some in (document.kept_by_all, document.kept_by_some, document.kept_by_none)]
    correlation = document.mean_correlation
    return {
        "title": f"{len(names)} runs",
        "about": about(run.summary for run in runs),
        "tiles": [
            ["runs", str(len(names))],
            ["overlap of what is kept", f"{document.mean_jaccard:.2f}"],
            ["overlap by chance", f"{document.chance_jaccard:.2f}"],
            ["correlation of the gates", "not defined" if correlation is None else f"{correlation:.2f}"],
        ],
        "sentences": [
            f"With the threshold {document.threshold:g}, {kept[0]} connections are kept by all runs, {kept[1]} by "
            f"some and {kept[2]} by none.",
            "Overlap is the Jaccard index: of the connections that either of two runs keeps, the share that both keep; "
            "the mean over all pairs.",
        ],
        "document": document.plain(),
        "names": list(names),
        "wiring": wiring_data(architecture),
        "history": agreement_data(architecture, agreement),
    }
