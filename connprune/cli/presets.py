"""`connprune presets`."""

from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output


def presets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this preset's YAML.", autocompletion=completion.presets)
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """List the presets, or print one as YAML.

    connprune presets digits > mine.yaml
    """
    from connprune.architecture.base import SCHEMA
    from connprune.architecture.presets import preset_names, preset_text

    names = preset_names()
    if name:
        text = preset_text(name)
        Output(as_json).result(text.rstrip(), {"schema": SCHEMA, "name": name, "configuration": text})
    else:
        Output(as_json).result("\n".join(names), {"schema": SCHEMA, "presets": names})
