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
    explain: options.ExplainOption = False,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Check a file or a run, and list everything that is wrong with it.

    For a configuration, an architecture or a sweep it lists every mistake with its line and column; for a run, a cut or
    an experiment it verifies every file and its digest, and that the weights belong to the architecture. Nothing is
    trained or written. The exit code is 0 or 2.

      connprune check mine.yaml --explain

      connprune check runs/mine --json
    """
    from connprune.errors import UsageError
    from connprune.experiments.checking import check as examine

    options.load_plugins(plugins)
    output = Output(as_json)
    document = examine(file, explain)
    if explain and document.explained is None and document.is_valid:
        raise UsageError(
            f"--explain says where a configuration's values are from, but {file} is no configuration: {document.kind}."
        )
    for sentence in document.advice:
        output.note(f"Note: {sentence}")
    if as_json or document.is_valid:
        output.result(document.explained or f"{file}: valid ({document.kind})", document)
    else:
        raise UsageError(*(mistake.message for mistake in document.mistakes))
    if not document.is_valid:
        sys.exit(2)
