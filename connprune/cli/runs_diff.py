"""`connprune runs diff`."""

from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output


def runs_diff(
    first: Annotated[
        str, typer.Argument(metavar="A", help="A run, finished or not, or a cut.", autocompletion=completion.runs)
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="Another.", autocompletion=completion.runs)],
    runs: options.RunsOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Show in which settings, counts and results two runs differ.

    Settings are keys of the configuration, counts those of the networks. What the clock measures is left out, since
    that differs always. How far the gates of two runs agree is what `inspect` says of them.

      connprune runs diff runs/mine runs/other
    """
    from connprune.errors import UsageError
    from connprune.report.runs import differences_table
    from connprune.runs.differences import differences
    from connprune.runs.find import find, runs_folder

    output = Output(as_json)
    pair = [find(word, runs_folder(runs)) for word in (first, second)]
    if pair[0].path.resolve() == pair[1].path.resolve():
        raise UsageError(f"{pair[1].path}: this is the same run twice, expected two.")
    document = differences(*pair)
    for run in pair:
        if not run.is_finished:
            output.warning(f"{run.path} has not ended, so it has no results yet")
    if document.differences or as_json:
        output.result(differences_table(document), document)
    else:
        output.note("they do not differ in any setting, count or result")
