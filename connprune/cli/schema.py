"""`connprune schema`."""

from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import as_text


def schema(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="configuration, sweep, or a result; a wrong name lists all.",
            autocompletion=completion.schemas,
        ),
    ] = "configuration",
    plugins: options.PluginOption = None,
) -> None:
    """Print the JSON Schema of a configuration, a sweep or a result.

    Editors with a YAML language server take it from a first line in the file:
    `# yaml-language-server: $schema=connprune.schema.json`. No schema can say whether shapes fit; `check` does.

      connprune schema > connprune.schema.json

      connprune schema sweep > sweep.schema.json

    A result has one too, so that a program knows what it reads.

      connprune schema comparison > comparison.schema.json
    """
    from connprune.documents.catalogue import document_schema
    from connprune.errors import UsageError
    from connprune.experiments.sweep import sweep_schema
    from connprune.names import unknown
    from connprune.training.json_schema import configuration_schema

    options.load_plugins(plugins)
    if kind not in completion.SCHEMAS:
        raise UsageError(unknown("KIND", kind, completion.SCHEMAS))
    files = {"configuration": configuration_schema, "sweep": sweep_schema}
    document = files[kind]() if kind in files else document_schema(kind)
    print(as_text(document), flush=True)
