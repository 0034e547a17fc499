"""`connprune inspect`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connprune.cli import numbers, options
from connprune.cli.agree import agree
from connprune.cli.output import Output
from connprune.cli.report import Report

if TYPE_CHECKING:
    from connprune.documents.inspection import Inspection


def inspect(
    run: options.RunsArgument = None,
    preset: options.PresetOption = None,
    config: options.ConfigOption = None,
    assignments: options.SetOption = None,
    shape: Annotated[
        Any,
        typer.Option(
            "--input",
            metavar="MAPSxHEIGHTxWIDTH",
            parser=numbers.image_shape,
            help="With --preset, --config or --set: images of this shape, like 3x224x224, in place of the data's.",
            rich_help_panel=options.CONFIGURATION,
        ),
    ] = None,
    classes: Annotated[
        int | None,
        typer.Option(
            "--classes",
            metavar="N",
            parser=numbers.whole_number_from(2),
            help="How many classes; goes with --input.",
            rich_help_panel=options.CONFIGURATION,
        ),
    ] = None,
    history: Annotated[bool, options.switch("--history", help="Every gate at every epoch.")] = False,
    watch: Annotated[
        bool, options.switch("--watch", help="Follow a training, even one that has not begun yet.")
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            metavar="T",
            parser=numbers.number_from(0),
            help="A gate below T counts as closed (default: 0.01).",
        ),
    ] = None,
    figures: options.FiguresOption = None,
    html: options.HtmlOption = None,
    redact: options.RedactOption = False,
    as_csv: options.CsvOption = False,
    data: options.PlaceOption = None,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    runs: options.RunsOption = None,
) -> None:
    """Show an architecture, its connections and their gates.

    Works on runs that are under way, interrupted or finished, on cuts, and with --preset or --config on an
    architecture that has not been trained. --figures draws what there is to draw.

      connprune inspect --preset blog --figures figures

    With --input and --classes it needs no images.

      connprune inspect --preset resnet-18 --input 3x224x224 --classes 1000

    With --watch it follows a training until that ends: a picture on a terminal, elsewhere a line per epoch.

      connprune inspect runs/mine --watch

    For several runs, for instance of different seeds, it says how far they agree; for several cuts, how far they kept
    the same connections, beside what chance would give.

      connprune inspect runs/one runs/two --figures figures

    --html writes a page that replays the wiring over training and shows what each threshold would cut.

      connprune inspect --html report.html
    """
    from connprune.architecture.base import CLOSED
    from connprune.errors import UsageError
    from connprune.report.aligned import aligned
    from connprune.report.document import describe
    from connprune.report.tables import connections_table, targets_table

    options.load_plugins(plugins)
    output = Output(as_json)
    if as_csv and as_json:
        raise UsageError("Give one of --csv and --json, found both.")
    if run and (preset or config or assignments):
        raise UsageError("Give a run, or --preset, --config and --set, found both.")
    if (shape is None) != (classes is None):
        raise UsageError("--input and --classes go together: an architecture is for both.")
    if shape and not (preset or config or assignments):
        raise UsageError("--input goes with --preset, --config or --set; a run has images of its own.")
    closed = CLOSED if threshold is None else threshold
    if data and not html:
        raise UsageError("--data says where the images are that --html measures cuts on; give both.")
    report = Report(html, output, data, redact)
    if run and len(run) > 1:
        if history or watch:
            raise UsageError(f"{'--history' if history else '--watch'} goes with a single run.")
        agree(run, threshold, figures, report, as_csv, output)
        return
    if watch:
        others = (history, figures, html, as_json, as_csv, preset, config, assignments, shape, threshold is not None)
        if any(others):
            raise UsageError("--watch shows a run as it goes; leave the other options out.")
        _watch(run[0] if run else None, runs, output)
        return
    images = (shape, classes) if shape else None
    directory, architecture = _subject(run[0] if run else None, preset, config, assignments or [], runs, output, images)
    gates = directory.read_gates() if directory and directory.gates.exists() else None
    if history and gates is None:
        raise UsageError("--history: there are no gates recorded here.")
    summary, path = (directory.summary, directory.path) if directory else (None, None)
    document = describe(architecture, gates, summary, path, closed, history)
    document = document.model_copy(update=report.of_run(document, architecture, gates, directory, closed))
    if figures:
        from connprune.report.figures import Drawable, drawable, run_figures

        subject = drawable(directory) if directory else Drawable(preset or "the configuration", architecture)
        document = document.model_copy(update=output.drawn(run_figures(subject, closed, figures)))
        if subject.remark:
            output.warning(subject.remark)
    if document.history:
        epochs = document.history
        table = aligned(list(epochs[0]), [[_cell(value) for value in row.values()] for row in epochs])
        output.table(table, epochs, document, as_csv)
    else:
        rows = document.connection_gates
        tables = f"{targets_table(document.targets)}\n\n{connections_table(rows)}\n\n{_summary(document)}"
        output.table(tables, [row.plain() for row in rows], document, as_csv)


def _watch(run: str | None, runs: Path | None, output: Output) -> None:
    """Follows a run until it ends; one that is named need not be there yet."""
    import time

    from connprune.cli.watch import watch_run
    from connprune.runs.find import find, runs_folder

    is_newest = run is None or run == "-"
    path = find(run, runs_folder(runs), "train", "retrain").path if is_newest else Path(str(run))
    watch_run(path, output, lambda: time.sleep(1))


def _subject(
    run: str | None,
    preset: str | None,
    config: Path | None,
    assignments: list[str],
    runs: Path | None,
    output: Output,
    images: Any,
) -> Any:
    """What to inspect: a run directory, or None, and an architecture, for `images` of a shape and number of classes."""
    from connprune.cli.slips import require_no_slip
    from connprune.runs.find import find, runs_folder
    from connprune.training.configuration import design, resolve

    if preset or config or assignments:
        configuration = resolve(preset, config, settings=options.assigned(assignments))
        if images:
            # Said here, so that what the file states gives way.
            configuration = configuration.model_copy(update={"input": None, "classes": None})
        return None, design(configuration, images)
    require_no_slip(run, "inspect")
    directory = find(run, runs_folder(runs), "train", "cut", "retrain", pass_over=True, warn=output.warning)
    return directory, directory.architecture()


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
