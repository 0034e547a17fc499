"""What `connprune inspect` looks at, and how it is shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connprune.cli import options
from connprune.cli.output import Output
from connprune.cli.report import Report
from connprune.cli.session import find_network
from connprune.errors import UsageError

if TYPE_CHECKING:
    from connprune.architecture.architecture import Architecture
    from connprune.documents.inspection import Inspection
    from connprune.runs.directory import RunDirectory


@dataclass(frozen=True)
class Subject:
    """Runs, or an architecture that was not trained.

    Attributes:
        runs: as they were named; none is the newest.
        preset: of the architecture.
        config: likewise the file.
        assignments: likewise of single keys.
        shape: of its images, in place of the data's; None is the data's.
        classes: how many; goes with `shape`.
        folder: where runs are kept; None is the usual one.
    """

    runs: list[str]
    preset: str | None
    config: Path | None
    assignments: list[str]
    shape: Any
    classes: int | None
    folder: Path | None

    @property
    def is_configured(self) -> bool:
        """Whether it is an architecture that was not trained."""
        return bool(self.preset or self.config or self.assignments)

    @property
    def name(self) -> str:
        """What an architecture that was not trained is called."""
        return self.preset or "the configuration"

    @property
    def run(self) -> str | None:
        """The one run, as it was named."""
        return self.runs[0] if self.runs else None

    def check(self) -> None:
        """Refuses options that do not go together.

        Raises:
            UsageError: there are some.
        """
        if self.runs and self.is_configured:
            raise UsageError("Give a run, or --preset, --config and --set, found both.")
        if (self.shape is None) != (self.classes is None):
            raise UsageError("--input and --classes go together: an architecture is for both.")
        if self.shape and not self.is_configured:
            raise UsageError("--input goes with --preset, --config or --set; a run has images of its own.")

    def find(self, output: Output) -> "tuple[RunDirectory | None, Architecture]":
        """The run, or None, and the architecture.

        Raises:
            UsageError: there is no such run, or the configuration is none.
        """
        from connprune.cli.slips import require_no_slip
        from connprune.training.configuration import design, resolve

        if self.is_configured:
            configuration = resolve(self.preset, self.config, settings=options.assigned(self.assignments))
            if self.shape is None or self.classes is None:
                return None, design(configuration)
            # Said here, so that what the file states gives way.
            configuration = configuration.model_copy(update={"input": None, "classes": None})
            return None, design(configuration, (self.shape, self.classes))
        require_no_slip(self.run, "inspect")
        directory = find_network(self.run, self.folder, output)
        return directory, directory.architecture()


@dataclass(frozen=True)
class View:
    """What is shown.

    Attributes:
        history: every gate at every epoch.
        threshold: a gate below it counts as closed; None is the usual one.
        figures: where figures go; None is none.
        as_csv: comma-separated values.
    """

    history: bool
    threshold: float | None
    figures: Path | None
    as_csv: bool

    def show(self, subject: Subject, report: Report, output: Output) -> None:
        """Shows one run, or an architecture.

        Raises:
            UsageError: it is not there, or no gates are recorded.
        """
        from connprune.architecture.base import CLOSED
        from connprune.report.aligned import aligned
        from connprune.report.document import describe
        from connprune.report.tables import connections_table, targets_table

        closed = CLOSED if self.threshold is None else self.threshold
        directory, architecture = subject.find(output)
        gates = directory.read_gates() if directory and directory.gates.exists() else None
        if self.history and gates is None:
            raise UsageError("--history: there are no gates recorded here.")
        summary, path = (directory.summary, directory.path) if directory else (None, None)
        document = describe(architecture, gates, summary, path, closed, self.history)
        document = document.model_copy(
            update=report.of_run(document, architecture, gates, directory, closed, subject.name)
        )
        if self.figures:
            from connprune.report.figures import Drawable, drawable, run_figures

            drawn = drawable(directory) if directory else Drawable(subject.name, architecture)
            document = document.model_copy(update=output.drawn(run_figures(drawn, closed, self.figures)))
            if drawn.remark:
                output.warning(drawn.remark)
        if document.history:
            epochs = document.history
            table = aligned(list(epochs[0]), [[_cell(value) for value in row.values()] for row in epochs])
            output.table(table, epochs, document, self.as_csv)
        else:
            rows = document.connection_gates
            tables = f"{targets_table(document.targets)}\n\n{connections_table(rows)}\n\n{_summary(document)}"
            output.table(tables, [row.plain() for row in rows], document, self.as_csv)


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def _summary(document: "Inspection") -> str:
    lines = []
    if document.path:
        lines.append(f"{document.path}: {document.kind}, {document.status}")
    lines.append(
        f"{document.connections} connections, {document.gated_connections} gated; "
        f"{document.parameters:,} parameters; {document.macs:,} MACs per image"
    )
    if document.gates:
        lines.append(f"gates {', '.join(f'{mark}: {count}' for mark, count in document.gates.sentences)}")
    if document.wiring:
        lines.append(document.wiring.sentence)
    return "\n".join(lines)
