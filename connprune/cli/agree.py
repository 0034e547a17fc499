"""What `connprune inspect` says of several runs, or of several cuts: how far they agree."""

from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli.inspecting import Subject
from connprune.cli.output import Output
from connprune.cli.report import Report

if TYPE_CHECKING:
    from connprune.runs.directory import RunDirectory


def agree(
    runs: list[str], threshold: float | None, figures: Path | None, report: Report, as_csv: bool, output: Output
) -> None:
    """How far several runs agree: by their gates, or, if all are cuts, by what these kept."""
    from connprune.errors import UsageError
    from connprune.runs.directory import RunDirectory
    from connprune.runs.find import require_one_network

    directories = [RunDirectory.open(Path(path)) for path in runs]
    if len({directory.path.resolve() for directory in directories}) < len(runs):
        raise UsageError("A run is named twice; give each once.")
    for directory in directories:
        require_one_network(directory)
        if not directory.is_finished:
            output.warning(f"{directory.path} has not ended; what counts is its last epoch so far")
    if all(directory.kind == "cut" for directory in directories):
        if threshold is not None or figures or report.path:
            raise UsageError(
                "--threshold, --figures and --html are about gates, but these are cuts; name the runs that were cut."
            )
        _agree_on_cuts(directories, runs, as_csv, output)
    else:
        _agree_on_gates(directories, runs, threshold, figures, report, as_csv, output)


def _agree_on_gates(
    directories: "list[RunDirectory]",
    runs: list[str],
    threshold: float | None,
    figures: Path | None,
    report: Report,
    as_csv: bool,
    output: Output,
) -> None:
    from connprune.analysis.agreement import agreement
    from connprune.architecture.base import CLOSED
    from connprune.report.agreement import agreement_document, agreement_text

    closed = CLOSED if threshold is None else threshold
    agreed = agreement([directory.read_gates() for directory in directories], closed)
    document = agreement_document(agreed, runs)
    document = document.model_copy(update=report.of_runs(document, directories, agreed, _short(runs)))
    if figures:
        from connprune.report.figures import agreement_figure, paths_figure

        names = _short(runs)
        drawn = output.drawn([*agreement_figure(agreed, names, figures), *paths_figure(agreed, names, figures)])
        document = document.model_copy(update=drawn)
    rows = [vote.model_dump(exclude={"gates"}) for vote in document.votes]
    output.table(agreement_text(document), rows, document, as_csv)


def _agree_on_cuts(directories: "list[RunDirectory]", runs: list[str], as_csv: bool, output: Output) -> None:
    from connprune.analysis.agreement import agreement_of_cuts
    from connprune.report.agreement import cuts_document, cuts_text
    from connprune.training.first import first_architecture

    parents = [first_architecture(directory).gated_connections for directory in directories]
    kept = [directory.architecture().all_connections for directory in directories]
    document = cuts_document(agreement_of_cuts(parents, kept), runs)
    output.table(cuts_text(document), [vote.plain() for vote in document.votes], document, as_csv)


def show_patterns(subject: Subject, has_others: bool, figures: Path | None, as_csv: bool, output: Output) -> None:
    """Which patterns of connections recur in cuts, of one or of several.

    Raises:
        UsageError: one of them is no cut, or other options are given.
    """
    from connprune.analysis.patterns import recurrences
    from connprune.errors import UsageError
    from connprune.report.patterns import patterns_document, patterns_text
    from connprune.runs.cut import read_cut
    from connprune.runs.directory import RunDirectory
    from connprune.runs.find import find, runs_folder
    from connprune.training.first import first_architecture

    if has_others or subject.is_configured:
        raise UsageError("--patterns is about what cuts kept; give it with --figures, --csv or --json alone.")
    folder = runs_folder(subject.folder)
    cuts: list[RunDirectory] = [find(name, folder, "cut", warn=output.warning) for name in subject.runs or (None,)]
    if len({cut.path.resolve() for cut in cuts}) < len(cuts):
        raise UsageError("A cut is named twice; give each once.")
    for cut in cuts:
        read_cut(cut)
    found = recurrences([(first_architecture(cut).without_gates(), cut.architecture()) for cut in cuts])
    document = patterns_document(found, [str(cut.path) for cut in cuts])
    if figures:
        from connprune.report.figures import patterns_figure

        document = document.model_copy(update=output.drawn(patterns_figure(document, figures)))
    output.table(patterns_text(document), [row.plain() for row in document.rows], document, as_csv)


def _short(paths: list[str]) -> list[str]:
    """The parts in which paths differ."""
    parts = [Path(path).parts for path in paths]
    if len({len(each) for each in parts}) > 1:
        return paths
    differing = [number for number in range(len(parts[0])) if len({each[number] for each in parts}) > 1]
    return ["/".join(each[number] for number in differing) for each in parts]
