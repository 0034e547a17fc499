"""What `--html` does in the commands that have it."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli.output import Output
from connprune.cli.session import load_images
from connprune.errors import UsageError

if TYPE_CHECKING:
    from connprune.analysis.agreement import Agreement
    from connprune.architecture.architecture import Architecture
    from connprune.documents.agreement import RunAgreement
    from connprune.documents.comparison import Comparison
    from connprune.documents.inspection import Inspection
    from connprune.documents.plan import ComparisonPlan
    from connprune.experiments.plan import Plan
    from connprune.report.html.thresholds import Measured
    from connprune.runs.directory import RunDirectory
    from connprune.runs.gate_history import GateHistory


class Report:
    """A page that is asked for, or not.

    Args:
        path: where it goes; None is no page.
        output: where words go.
        data: where the images of the run are now; None is where they were, or $CONNPRUNE_DATA.
        redact: whether the page says nothing of the machine, the user and the folders.

    Raises:
        UsageError: no page can be written there, or there is no page to redact.
    """

    def __init__(self, path: Path | None, output: Output, data: str | None = None, redact: bool = False) -> None:
        if redact and path is None:
            raise UsageError("--redact goes with --html.")
        self.path = path
        self.data = data
        self.redact = redact
        self.output = output
        if path is not None:
            from connprune.report.html.page import require_place

            require_place(path)

    def of_run(
        self,
        document: "Inspection",
        architecture: "Architecture",
        gates: "GateHistory | None",
        run: "RunDirectory | None",
        threshold: float,
        name: str = "architecture",
    ) -> dict[str, str]:
        """Writes the page of a run, a cut or an architecture; returns what the printed document has of it."""

        def data() -> dict[str, object]:
            from connprune.report.html.run import run_data

            measured, why = self._measured(run) if run and gates and document.kind != "cut" else (None, None)
            built = run_data(document, architecture, gates, run, threshold, measured, why, name)
            return self._configured(built, run)

        return self._write(data, document.path, run=run)

    def of_retrained(self, run: "RunDirectory") -> dict[str, str]:
        """Writes the page of a run that was just trained; returns what the printed document has of it."""

        def data() -> dict[str, object]:
            from connprune.architecture.base import CLOSED
            from connprune.report.document import describe
            from connprune.report.html.run import run_data

            gates = run.read_gates() if run.gates.exists() else None
            described = describe(run.architecture(), gates, run.summary, run.path)
            return self._configured(run_data(described, run.architecture(), gates, run, CLOSED), run)

        return self._write(data, str(run.path), run=run)

    def of_runs(
        self, document: "RunAgreement", runs: "Sequence[RunDirectory]", agreement: "Agreement", names: Sequence[str]
    ) -> dict[str, str]:
        """Writes the page of several runs; returns what the printed document has of it."""

        def data() -> dict[str, object]:
            from connprune.report.html.runs import runs_data
            from connprune.training.redaction import last_parts

            shown = last_parts([str(run.path) for run in runs]) if self.redact else names
            return runs_data(document, runs, agreement, shown)

        return self._write(data, *document.runs)

    def of_comparison(self, document: "Comparison", plan: "Plan[ComparisonPlan]") -> dict[str, str]:
        """Writes the page of a comparison; returns what the printed document has of it."""

        def data() -> dict[str, object]:
            from connprune.report.html.comparison import comparison_data

            return comparison_data(document, plan)

        return self._write(data, document.path)

    def _write(
        self, data: Callable[[], dict[str, object]], *paths: str | None, run: "RunDirectory | None" = None
    ) -> dict[str, str]:
        """Writes the page if one is asked for.

        Args:
            data: gives what it shows.
            paths: paths that may stand within its texts.
            run: whose images it may name.
        """
        if self.path is None:
            return {}
        from connprune.report.html.page import HOLDS, HOLDS_NO_PLACES, write_page
        from connprune.training.redaction import redacted

        built = {**data(), "holds": HOLDS_NO_PLACES if self.redact else f"{HOLDS}; --redact leaves them out"}
        if self.redact:
            named = [str(self.path), *filter(None, paths)]
            built = redacted(built, *named, *(self._images(run) if run else ()))
        size = write_page(built, self.path)
        self.output.note(f"page: {self.path}, {size:,} bytes; {built['holds']}")
        return {"html": str(self.path)}

    def _configured(self, data: dict[str, object], run: "RunDirectory | None") -> dict[str, object]:
        """The data of a page with the configuration as it may be shown: in YAML a path need not stand in one piece."""
        if not (self.redact and run):
            return data
        from connprune.training.configuration import read_configuration
        from connprune.training.redaction import gates_without_paths, without_paths

        architecture = run.architecture()
        named = architecture.replace(gates=gates_without_paths(architecture.gates))
        return {**data, "configuration": without_paths(read_configuration(run)).to_yaml(named)}

    def _images(self, run: "RunDirectory") -> list[str]:
        """Where the images of a run were and are looked for, which an error may name."""
        from connprune.data.cache import cache_folder
        from connprune.data.named import SOURCES
        from connprune.files import absolute
        from connprune.training.configuration import read_configuration
        from connprune.training.images import VARIABLE

        data = read_configuration(run).data
        named = [data.source, data.cache, self.data, os.environ.get(VARIABLE)]
        with suppress(UsageError):  # A user without a home folder has no cache there to name.
            named.append(str(cache_folder(data.cache)))
        outside = [path for path in map(str, filter(None, named)) if path not in SOURCES]
        return [*outside, *map(absolute, outside)]

    def _measured(self, run: "RunDirectory") -> "tuple[Measured | None, str | None]":
        """What takes the images to know; without them, why not."""
        import torch

        from connprune.cli.options import prepare_cpu
        from connprune.errors import ConnpruneError
        from connprune.report.html.measure import measure
        from connprune.training.device import choose_device

        if not run.is_finished:
            return None, f"The accuracy of cuts is not known yet: the run's status is {run.status}."
        prepare_cpu(None)
        self.output.note("measuring what cuts would leave of the accuracy")
        try:
            return measure(
                run,
                lambda configuration: load_images(configuration, self.output),
                choose_device("auto", self.output.warning),
                self.data,
            ), None
        except (ConnpruneError, OSError, torch.OutOfMemoryError) as error:
            self.output.warning(f"the page has no accuracies of cuts: {error}")
            return None, f"The accuracy of cuts is not known here: {error}"
