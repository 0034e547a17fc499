"""`connprune inspect`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from connprune.cli import numbers, options
from connprune.cli.agree import agree, show_patterns
from connprune.cli.inspecting import Subject, View
from connprune.cli.output import Output
from connprune.cli.report import Report

ShapeOption = Annotated[
    Any,
    typer.Option(
        "--input",
        metavar="MAPSxHEIGHTxWIDTH",
        parser=numbers.image_shape,
        help="With --preset, --config or --set: images of this shape, like 3x224x224, in place of the data's.",
        rich_help_panel=options.CONFIGURATION,
    ),
]
ClassesOption = Annotated[
    int | None,
    typer.Option(
        "--classes",
        metavar="N",
        parser=numbers.whole_number_from(2),
        help="How many classes; goes with --input.",
        rich_help_panel=options.CONFIGURATION,
    ),
]
HistoryOption = Annotated[bool, options.switch("--history", help="Every gate at every epoch.")]
WatchOption = Annotated[bool, options.switch("--watch", help="Follow a training, even one that has not begun yet.")]
PatternsOption = Annotated[
    bool, options.switch("--patterns", help="Of cuts: which patterns of connections recur, beside chance.")
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="T",
        parser=numbers.number_from(0),
        help="A gate below T counts as closed (default: 0.01).",
    ),
]


def inspect(
    run: options.RunsArgument = None,
    preset: options.PresetOption = None,
    config: options.ConfigOption = None,
    assignments: options.SetOption = None,
    shape: ShapeOption = None,
    classes: ClassesOption = None,
    history: HistoryOption = False,
    watch: WatchOption = False,
    threshold: ThresholdOption = None,
    patterns: PatternsOption = False,
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
    the same connections, beside what chance would give; --patterns finds what recurs in them.

      connprune inspect runs/one runs/two --figures figures

    --html writes a page that replays the wiring over training and shows what each threshold would cut.

      connprune inspect --html report.html
    """
    options.load_plugins(plugins)
    output = Output(as_json)
    options.require_one_format(as_csv, as_json)
    subject = Subject(run or [], preset, config, assignments or [], shape, classes, runs)
    _require_together(subject, data, html, history, watch)
    if patterns:
        show_patterns(subject, threshold is not None or history or watch or bool(html), figures, as_csv, output)
        return
    report = Report(html, output, data, redact)
    if len(subject.runs) > 1:
        agree(subject.runs, threshold, figures, report, as_csv, output)
    elif watch:
        others = (history, figures, html, as_json, as_csv, subject.is_configured, threshold is not None)
        _watch(subject, any(others), output)
    else:
        View(history, threshold, figures, as_csv).show(subject, report, output)


def _require_together(subject: Subject, data: str | None, html: Path | None, history: bool, watch: bool) -> None:
    """Refuses options that do not go together."""
    from connprune.errors import UsageError

    subject.check()
    if data and not html:
        raise UsageError("--data says where the images are that --html measures cuts on; give both.")
    if len(subject.runs) > 1 and (history or watch):
        raise UsageError(f"{'--history' if history else '--watch'} goes with a single run.")


def _watch(subject: Subject, has_others: bool, output: Output) -> None:
    """Follows a run until it ends; one that is named need not be there yet."""
    import time

    from connprune.cli.watch import watch_run
    from connprune.errors import UsageError
    from connprune.runs.find import find, runs_folder

    if has_others:
        raise UsageError("--watch shows a run as it goes; leave the other options out.")
    run = subject.run
    is_newest = run is None or run == "-"
    path = find(run, runs_folder(subject.folder), "train", "retrain").path if is_newest else Path(str(run))
    watch_run(path, output, lambda: time.sleep(1))
