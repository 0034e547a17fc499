"""`connprune presets`."""

from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output


def presets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this preset's YAML.", autocompletion=completion.presets)
    ] = None,
    names: Annotated[bool, options.switch("--names", help="List the names alone, one per line, for scripts.")] = False,
    as_json: options.JsonOption = False,
) -> None:
    """List the presets, or print one as YAML.

    What is printed means exactly the preset: `train --config mine.yaml` then trains what `train --preset digits` does.

      connprune presets digits > mine.yaml

      connprune presets --names
    """
    from connprune.architecture.presets import preset_names, preset_text
    from connprune.documents.lists import Preset, Presets
    from connprune.errors import UsageError

    if name and names:
        raise UsageError("Give NAME or --names, found both.")
    if name:
        text = preset_text(name)
        Output(as_json).result(text.rstrip(), Preset(name=name, configuration=text))
    else:
        names_of_all = preset_names()
        Output(as_json).result("\n".join(names_of_all), Presets(presets=tuple(names_of_all)))
