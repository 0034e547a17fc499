"""`connprune runs rm`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output


def runs_rm(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Directories of runs, cuts or experiments; - reads one path from stdin.",
            autocompletion=completion.runs,
        ),
    ],
    yes: Annotated[bool, options.switch("--yes", help="Ask nothing; needed where stdin is no terminal.")] = False,
    runs: options.RunsOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Remove runs, cuts or experiments, unless another was made from them.

    A run goes only together with its cuts, and a cut with the runs that were trained from it; these are looked for
    beside it and in the runs folder. What is no run, what a process works in, and a link are refused, and then nothing
    is removed. Links in a run go, and what they lead to stays.

      connprune runs rm runs/mine runs/mine-cut --yes
    """
    from connprune.documents.differences import RemovedRuns
    from connprune.documents.run import EXPERIMENTS
    from connprune.errors import UsageError
    from connprune.runs.find import find, runs_folder
    from connprune.runs.removing import removable, remove

    output = Output(as_json)
    folder = runs_folder(runs)
    paths = removable(
        [_named(name) if name != "-" else find(name, folder, *EXPERIMENTS).path for name in names], [folder]
    )
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "Standard input is no terminal, so nothing can be asked; --yes removes without a question."
            )
        for path in paths:
            output.note(str(path))
        if not typer.confirm("Remove these for good?", err=True):
            output.note("nothing was removed")
            raise typer.Exit(1)
    freed = remove(paths)
    removed = tuple(map(str, paths))
    output.result("\n".join(removed), RemovedRuns(removed=removed, bytes=freed))


def _named(name: str) -> Path:
    from connprune.errors import UsageError

    if not name:
        raise UsageError("The name of a run is empty; did the command that should print it fail?")
    return Path(name)
