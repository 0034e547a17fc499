"""`connprune predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connprune.cli import numbers, options
from connprune.cli.output import Output
from connprune.cli.session import find_network

if TYPE_CHECKING:
    from connprune.documents.evaluation import Predictions


PathsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="[RUN] FILES",
        help="A run directory, or - for its path on stdin (default: the newest run); then image files, arrays in .npy "
        "or .npz files, or folders.",
    ),
]
TopOption = Annotated[
    int,
    typer.Option(
        "--top", metavar="K", parser=numbers.whole_number_from(1), help="The K most probable classes of each."
    ),
]


def predict(
    paths: PathsArgument,
    top: TopOption = 1,
    as_csv: options.CsvOption = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    runs: options.RunsOption = None,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Say what image files show, by a finished run or a cut.

    Files are read as the run's images were: turned upright, laid on the same background, resized to the same size.

      connprune predict runs/mine photo.jpg scan.tif --top 3

    With --csv it prints a line for each file and class. A file that cannot be read is named, and the exit code is 1.

      connprune predict photos --csv > classes.csv

    Of arrays each image or sequence is a line of its own.
    """
    from connprune.data.single import files_of
    from connprune.errors import UsageError
    from connprune.training.device import choose_device
    from connprune.training.predicting import predict as predict_files

    options.load_plugins(plugins)
    output = Output(as_json, quiet)
    options.require_one_format(as_csv, as_json)
    names_run = paths[0] == "-" or (Path(paths[0]) / "summary.json").is_file()
    run, named = (paths[0], paths[1:]) if names_run else (None, paths)
    if not named:
        raise UsageError(f"Name image files after the run {run}, or folders of them.")
    files = files_of([Path(name) for name in named])
    options.prepare_cpu(threads)
    directory = find_network(run, runs, output)
    document = predict_files(
        directory,
        files,
        top,
        choose_device(device, output.warning),
        lambda singles, total: output.progress(singles, f"reading {total} images", total),
    )
    _show(document, as_csv, output)


def _show(document: "Predictions", as_csv: bool, output: Output) -> None:
    """Prints what files show.

    Raises:
        ConnpruneError: some cannot be read.
    """
    from connprune.errors import ConnpruneError
    from connprune.report.evaluation import predictions_text

    of = len(document.predictions)
    resized = sum(one.resized for one in document.predictions)
    if resized:
        output.warning(f"resized {resized} of {of} images, which have another size than those of the training")
    unread = [one for one in document.predictions if one.problem]
    for one in unread:
        output.warning(f"{one.file}: {one.problem}")
    rows = [
        {"file": one.file, "class": likely.name, "probability": likely.probability}
        for one in document.predictions
        for likely in one.classes
    ]
    if rows or output.as_json:
        output.table(predictions_text(document), rows, document, as_csv)
    if unread:
        raise ConnpruneError(f"{len(unread)} of {of} files cannot be read; they are named above.")
