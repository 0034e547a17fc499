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
    found = examine(file)
    if explain and found.explained is None and not found.mistakes:
        raise UsageError(
            f"--explain says where a configuration's values are from, but {file} is no configuration: {found.kind}."
        )
    for sentence in found.advice:
        output.note(f"Note: {sentence}")
    document = found.document(explain)
    if as_json or not found.mistakes:
        line = f"{found.path}: valid ({found.kind})"
        output.result(found.explained if explain and found.explained else line, document)
    else:
        raise UsageError("\n".join(found.mistakes))
    if found.mistakes:
        sys.exit(2)
