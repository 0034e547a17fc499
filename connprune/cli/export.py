"""`connprune export`."""

from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output
from connprune.cli.session import find_network


def export(
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="onnx, pt2, safetensors, dot or mermaid.",
            autocompletion=completion.formats,
        ),
    ],
    run: options.RunArgument = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="A new file (default: RUN/export/network.NAME; drawings: stdout)."),
    ] = None,
    redact: Annotated[
        bool,
        options.switch("--redact/--no-redact", help="Name folders in file and card without their paths (default)."),
    ] = True,
    runs: options.RunsOption = None,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Write the network of a finished run for other software, or draw its wiring.

    Prints the path of the file; a model card lies beside it. The drawings, dot and mermaid, are printed themselves
    unless --out names a file.

      connprune export --format onnx

      connprune export --format dot | dot -Tsvg > wiring.svg
    """
    from connprune.errors import UsageError
    from connprune.export.formats import DRAWINGS, FORMATS, export_drawing, export_model
    from connprune.names import unknown

    options.load_plugins(plugins)
    output = Output(as_json, quiet)
    if format_name not in FORMATS:
        raise UsageError(unknown("--format", format_name, FORMATS))
    directory = find_network(run, runs, output)
    if format_name in DRAWINGS:
        text, drawn = export_drawing(directory, format_name, out)
        output.result(str(out) if out else text.rstrip(), drawn)
        return
    document = export_model(directory, format_name, out, redact)
    output.note(
        f"{format_name} of {directory.path}: {document.bytes:,} bytes, {document.parameters:,} parameters; "
        f"card: {document.card}"
    )
    output.result(str(document.path), document)
