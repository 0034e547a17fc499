"""The presets: complete configurations that come with the package, as YAML files."""

from importlib.resources import files

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
        raise UsageError(f"preset: {unknown(name, preset_names())}")
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
