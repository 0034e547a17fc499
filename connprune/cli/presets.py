"""`connprune presets`."""

from typing import TYPE_CHECKING, Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output

if TYPE_CHECKING:
    from connprune.documents.base import Document


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
    from connprune.errors import UsageError
    from connprune.preset_names import preset_names, preset_text

    if name and names:
        raise UsageError("Give NAME or --names, found both.")
    shown = preset_text(name) if name else "\n".join(preset_names())
    Output(as_json).result(shown.rstrip(), _document(name, shown) if as_json else None)


def _document(name: str | None, shown: str) -> "Document":
    """What --json prints, whose classes take longer to import than the rest of the command."""
    from connprune.documents.lists import Preset, Presets

    return Preset(name=name, configuration=shown) if name else Presets(presets=tuple(shown.splitlines()))
