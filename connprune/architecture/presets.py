"""The presets: complete configurations that come with the package, as YAML files."""

from functools import cache
from importlib.resources import files

from connprune.architecture.strict_yaml import Document, parse
from connprune.errors import UsageError
from connprune.names import unknown

_FOLDER = files("connprune.architecture") / "presets"


def preset_names() -> list[str]:
    """The names of all presets, sorted."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))


def preset_text(name: str) -> str:
    """The YAML of a preset.

    Raises:
        UsageError: there is no preset of this name.
    """
    if name not in preset_names():
        raise UsageError(unknown("preset", name, preset_names()))
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def preset_document(name: str) -> Document:
    """A preset as it is laid under what a user says; read once, as the cells of a sweep need it by the thousand.

    Raises:
        UsageError: there is no preset of this name.
    """
    return parse(preset_text(name), f"preset {name}")
