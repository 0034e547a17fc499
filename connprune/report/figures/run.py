"""Every figure that there is to draw of one run, or of an architecture that has not been trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connprune.analysis.agreement import agreement
from connprune.architecture.architecture import Architecture
from connprune.documents.epoch import EpochMetrics
from connprune.report.figures.connections import Connectivity, connectivity
from connprune.report.figures.curves import curves_figure
from connprune.report.figures.histogram import histogram_figure
from connprune.report.figures.labels import shortened
from connprune.report.figures.matrix import matrix_figure
from connprune.report.figures.paths import paths_figure
from connprune.report.figures.profiles import profiles_figure
from connprune.report.figures.wiring import wiring_figure
from connprune.report.parent import parent_of
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory


@dataclass(frozen=True)
class Drawable:
    """A network and what is known of it; all but the architecture may be missing.

    Attributes:
        name: what it is called.
        architecture: its layers and connections.
        gates: of its training.
        metrics: the lines of `metrics.jsonl`.
        best: the epoch with the lowest validation loss, once that is settled.
        parent: what it was cut from.
        remark: why something is not drawn; may be empty.
    """

    name: str
    architecture: Architecture
    gates: GateHistory | None = None
    metrics: Sequence[EpochMetrics] = ()
    best: int | None = None
    parent: "Drawable | None" = None
    remark: str = ""


def drawable(run: RunDirectory) -> Drawable:
    """What can be drawn of a run; a cut's and a retrained run's parent is looked for where it was.

    Raises:
        UsageError: a file of the run itself is damaged.
    """
    architecture = run.architecture()
    parent, remark = _parent(run, architecture)
    best = run.summary.best
    return Drawable(
        name=run.path.resolve().name,
        architecture=architecture,
        gates=run.read_gates() if run.gates.exists() else None,
        metrics=run.read_metrics(),
        best=best.epoch if best else None,
        parent=parent,
        remark=remark,
    )


def run_figures(subject: Drawable, threshold: float, folder: Path) -> list[Path]:
    """Draws the wiring and the connections, and of what was trained with gates and with epochs what these did.

    Args:
        subject: the network.
        threshold: gates of a smaller magnitude count as closed.
        folder: where to write; it is made if it is not there.

    Returns:
        The files.
    """
    panels = _panels(subject, threshold)
    written = [*wiring_figure(panels, folder, subject.remark), *matrix_figure(panels, folder, subject.remark)]
    gates = subject.gates
    if gates is not None and gates.connections:
        written += paths_figure(agreement([gates], threshold), [subject.name], folder)
        written += histogram_figure(gates, threshold, subject.name, folder)
        network = panels[-1][1]
        if network.per_feature_map:
            written += profiles_figure(network, gates, subject.name, folder)
    if subject.metrics:
        written += curves_figure(subject.metrics, subject.name, folder, subject.best)
    return written


def _panels(subject: Drawable, threshold: float) -> list[tuple[str, Connectivity]]:
    parent = subject.parent
    before = parent.architecture if parent else None
    shown = [(subject.name, connectivity(subject.architecture, subject.gates, threshold, before))]
    if parent:
        shown.insert(0, (f"parent {parent.name}", connectivity(parent.architecture, parent.gates, threshold)))
    return [(f"{shortened(name, 40)}: {network.counts}", network) for name, network in shown]


def _parent(run: RunDirectory, architecture: Architecture) -> tuple[Drawable | None, str]:
    """The run that a cut, or a retrained run's cut, was made from; or why it is not drawn."""
    cut = run
    if run.kind == "retrain":
        named = run.summary.cut
        if not named:
            return None, ""
        cut = RunDirectory(Path(named))
    elif run.kind != "cut":
        return None, ""
    parent, why = parent_of(cut)
    if parent is None:
        return None, f"{why}, so it is not drawn."
    if not set(architecture.all_connections) <= set(parent.architecture.all_connections):
        return None, f"The connections are not those of the parent, {parent.name}, so it is not drawn."
    return Drawable(parent.name, parent.architecture, parent.gates), ""
