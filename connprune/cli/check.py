"""`connprune check`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import options
from connprune.cli.output import Output


def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A configuration, architecture or sweep, or a run's directory.")
    ],
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Say whether a file or a run is well, or everything that is wrong with it.

    Of a configuration, an architecture or a sweep every mistake with its line and column; of a run, a cut or an
    experiment every file, with its digest, and whether the weights belong to the architecture. Nothing is trained and
    nothing written. The exit code is 0 or 2.

      connprune check mine.yaml

      connprune check runs/mine --json
    """
    from connprune.architecture.base import SCHEMA
    from connprune.errors import UsageError
    from connprune.experiments.checking import check as examine

    options.load_plugins(plugins)
    output = Output(as_json)
    found = examine(file)
    for caution in found.cautions:
        output.note(f"Note: {caution}")
    if as_json or not found.mistakes:
        output.result(f"{found.path}: all is well ({found.kind})", {"schema": SCHEMA, **found.document()})
    else:
        raise UsageError("\n".join(found.mistakes))
    if found.mistakes:
        sys.exit(2)
