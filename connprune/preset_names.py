"""The presets by name: complete configurations that come with the package, as YAML files; nothing is imported here."""

from pathlib import Path

from connprune.errors import UsageError
from connprune.names import unknown

_FOLDER = Path(__file__).parent / "architecture" / "presets"


def preset_names() -> list[str]:
    """The names of all presets, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def preset_text(name: str) -> str:
    """The YAML of a preset.

    Raises:
        UsageError: there is no preset of this name.
    """
    if name not in preset_names():
        raise UsageError(unknown("preset", name, preset_names()))
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
