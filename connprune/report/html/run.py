"""The page of one run, of a cut, or of an architecture that was not trained."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from connprune.architecture.architecture import Architecture
from connprune.architecture.files import to_yaml
from connprune.documents.comparison import Comparison
from connprune.documents.cut import CutDocument
from connprune.documents.inspection import Inspection
from connprune.documents.run import Summary
from connprune.errors import UsageError
from connprune.preset_names import preset_names
from connprune.report.html.history import gate_data, metrics_data
from connprune.report.html.points import chart_data
from connprune.report.html.thresholds import Measured, threshold_data
from connprune.report.html.wiring import is_part, maps_left, wiring_data
from connprune.report.parent import parent_of
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.runs.environment import read_environments
from connprune.runs.gate_history import GateHistory
from connprune.runs.links import read_document
from connprune.training.first import first_architecture

# Of seeds, days and the like that runs do not share so many are named.
MOST_TOLD = 6
_KINDS = {
    "train": "trained with gates",
    "cut": "a cut, with its parent's weights",
    "retrain": "retrained without gates",
    "evolution": "the best of an evolution",
    "architecture": "an architecture, not trained",
}


def run_data(
    document: Inspection,
    architecture: Architecture,
    gates: GateHistory | None,
    run: RunDirectory | None,
    threshold: float,
    measured: Measured | None = None,
    why: str | None = None,
    name: str = "architecture",
) -> dict[str, object]:
    """Everything that the page of a run shows.

    Args:
        document: what `inspect` shows.
        architecture: what the document describes.
        gates: the gates of its training, if it had any.
        run: where it was trained or cut; None if it was not.
        threshold: a gate of a smaller magnitude counts as closed.
        measured: what took the run's images to know.
        why: why that is missing, in a sentence.
        name: of what was not trained.

    Raises:
        UsageError: the run's files are damaged.
    """
    data: dict[str, object] = {
        "title": run.path.resolve().name if run else name,
        "about": about([run.summary]) if run else [],
        "document": document.plain(),
        "configuration": run.text(run.config) if run else to_yaml(architecture),
        "environments": [each.plain() for each in read_environments(run.environment)] if run else [],
        "metrics": metrics_data(run.read_metrics()) if run else [],
    }
    report = _cut_report(run) if run else None
    of_cut = report[1] if report and document.kind == "cut" else None
    data |= {"tiles": _tiles(document, of_cut), "sentences": _sentences(document, of_cut)}
    before = before_cut(report[0]) if report else None
    if before and is_part(before.architecture, architecture):
        full = before.architecture
        data["wiring"] = {**wiring_data(full), "left": maps_left(full, architecture), "whose": before.whose}
        if before.gates and document.kind == "cut":
            data["history"] = gate_data(full, before.gates, threshold)
    else:
        data["wiring"] = wiring_data(architecture)
        if gates:
            data["history"] = gate_data(architecture, gates, threshold)
    if of_cut:
        data["cut"] = of_cut.plain()
    if run and run.comparison.is_file() and document.kind == "retrain":
        comparison = read_document(Comparison, run.comparison)
        data |= {"comparison": comparison.plain(), "chart": chart_data(comparison)}
    if gates and document.kind in ("train", "evolution"):
        data["thresholds"] = threshold_data(architecture, gates, measured, why)
        if measured:
            data["strengths"] = [float(f"{strength:.4g}") for strength in measured.strengths]
    return data


def about(summaries: Iterable[Summary], origins: Iterable[str | None] = ()) -> list[str]:
    """What tells runs from others: their data, presets or files of configurations, seeds, and days.

    Args:
        summaries: of the runs.
        origins: presets and files besides theirs.
    """
    runs = list(summaries)
    began = [*origins, *(run.origin for run in runs)]
    presets = preset_names()
    told: dict[str, list[object]] = {
        "data": [run.data for run in runs],
        "preset": [origin for origin in began if origin in presets],
        "configuration": [origin for origin in began if origin not in presets],
        "seed": [run.seed for run in runs],
        "begun": [run.created and run.created[:10] for run in runs],
    }
    found = {
        name: list(dict.fromkeys(str(value) for value in values if value is not None)) for name, values in told.items()
    }
    return [_counted(name, values) for name, values in found.items() if values]


def _counted(name: str, values: list[str]) -> str:
    """A name and its values; of many the first and the last."""
    shown = values if len(values) <= MOST_TOLD else [*values[: MOST_TOLD - 2], "…", values[-1]]
    return f"{name}{'s' * (name == 'seed' and len(values) > 1)} {', '.join(shown)}"


@dataclass(frozen=True)
class Before:
    """What a cut came from.

    Attributes:
        architecture: with the connections that are gone.
        gates: their history, if it is known.
        whose: whose connections these are, as a page says it.
    """

    architecture: Architecture
    gates: GateHistory | None
    whose: str


def before_cut(cut: RunDirectory) -> Before | None:
    """The parent of a cut.

    If that is not what was cut any more, it is the architecture that was first trained, before any cut, without gates;
    None if that is not known either.

    Raises:
        UsageError: the cut's own files are damaged.
    """
    parent, _ = parent_of(cut)
    if parent:
        return Before(parent.architecture, parent.gates, "the parent's")
    if not cut.parent.is_file():
        return None
    return Before(first_architecture(cut), None, "those of the first training, as the parent is not known any more")


def _cut_report(run: RunDirectory) -> tuple[RunDirectory, CutDocument] | None:
    """The cut that a run is or was trained from, and its report; None if there is none, or no longer."""
    named = run.summary.cut
    try:
        cut = RunDirectory.open(Path(str(named))) if named else run
        return (cut, read_cut(cut)) if cut.cut.is_file() else None
    except (UsageError, OSError):
        return None


def _tiles(document: Inspection, cut: CutDocument | None) -> list[list[str]]:
    tiles: list[list[str]] = []
    final = cut.after if cut else document.summary.final if document.summary else None
    if final:
        tiles += [
            ["test accuracy", f"{final.test_accuracy:.2%}"],
            ["validation accuracy", f"{final.validation_accuracy:.2%}"],
        ]
    return [
        *tiles,
        ["connections", f"{document.connections:,}"],
        ["parameters", f"{document.parameters:,}"],
        ["MACs per image", f"{document.macs:,}"],
    ]


def _sentences(document: Inspection, cut: CutDocument | None) -> list[str]:
    """What it is, in plain words."""
    summary, gates = document.summary, document.gates
    status = f", {document.status}" if document.status else ""
    where = f"{document.path}: " if document.path else ""
    sentences = [f"{where}{_KINDS[document.kind]}{status}."]
    if summary and summary.final and summary.best:
        final, best = summary.final, summary.best
        sentences.append(
            f"After epoch {final.epoch} it gets {final.test_accuracy:.2%} of the test images right. The lowest "
            f"validation loss was after epoch {best.epoch}, when it got {best.test_accuracy:.2%} of them right."
        )
    if cut:
        before, after = cut.before, cut.after
        sentences.append(
            f"Cut from {cut.parent}: {cut.rule} by {cut.by} removed {before.connections - after.connections} of "
            f"{before.connections} connections. Before any retraining it gets {after.test_accuracy:.2%} of the test "
            f"images right, its parent {before.test_accuracy:.2%}."
        )
    if gates:
        sentences.append(
            f"{document.gated_connections} of {document.connections} connections have a gate: "
            f"{', '.join(f'{count} ended {mark}' for mark, count in gates.sentences)}."
        )
    if document.wiring:
        sentences.append(document.wiring.sentence)
    return sentences
