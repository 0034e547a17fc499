"""`connprune evaluate`."""

from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output
from connprune.cli.session import find_network, load_images

DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME|PATH",
        help="Other images of the same classes, or where the run's own are now (default: the run's own).",
        rich_help_panel=options.PATHS,
        autocompletion=completion.data_sets,
    ),
]
PartOption = Annotated[
    str,
    typer.Option(
        "--part",
        metavar="NAME",
        help="test, validation or train: which of the run's own images.",
        autocompletion=completion.parts,
    ),
]


def evaluate(
    run: options.RunArgument = None,
    data: DataOption = None,
    part: PartOption = "test",
    figures: options.FiguresOption = None,
    as_csv: options.CsvOption = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    runs: options.RunsOption = None,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Evaluate a finished run or a cut: accuracy, each class, which are taken for which.

    It has a 95% interval for the accuracy, the precision of each class, and the calibration error: how far the
    network's confidence is from its accuracy. --figures draws the confusion matrix.

      connprune evaluate runs/mine --figures figures

    Other images may be evaluated on, if their classes have the same names: those in test/, or all of a folder without.

      connprune evaluate runs/mine --data photos
    """
    from connprune.errors import UsageError
    from connprune.names import unknown
    from connprune.report.evaluation import evaluation_text
    from connprune.training.device import choose_device
    from connprune.training.evaluating import PARTS, evaluate_run

    options.load_plugins(plugins)
    output = Output(as_json, quiet)
    options.require_one_format(as_csv, as_json)
    wanted = next((name for name in PARTS if name == part), None)
    if wanted is None:
        raise UsageError(unknown("--part", part, PARTS))
    options.prepare_cpu(threads)
    directory = find_network(run, runs, output)
    document = evaluate_run(
        directory,
        wanted,
        lambda its: load_images(its, output),
        choose_device(device, output.warning),
        data,
    )
    if figures:
        from connprune.report.figures import confusion_figure

        document = document.model_copy(update=output.drawn(confusion_figure(document, figures)))
    output.table(evaluation_text(document), [row.plain() for row in document.classes], document, as_csv)
