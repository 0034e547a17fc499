"""The presets as they are laid under what a user says."""

from functools import cache

from connprune.architecture.strict_yaml import Document, parse
from connprune.preset_names import preset_names, preset_text

__all__ = ["preset_document", "preset_names", "preset_text"]


@cache
def preset_document(name: str) -> Document:
    """A preset, parsed; read once, as the cells of a sweep need it by the thousand.

    Raises:
        UsageError: there is no preset of this name.
    """
    return parse(preset_text(name), f"preset {name}")
