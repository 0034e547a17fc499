"""Presets and configurations."""

from collections.abc import Mapping
from pathlib import Path

from connprune.architecture.presets import preset_names
from connprune.arguments import require
from connprune.mistakes import Mark
from connprune.plugins import load_installed
from connprune.training.configuration import Configuration, collect, design, validated
from connprune.training.layered import Setting


def presets() -> tuple[str, ...]:
    """The names of the presets, sorted."""
    return tuple(preset_names())


def config(
    preset: str | None = None, settings: Mapping[str, object] | None = None, *, file: str | Path | None = None
) -> Configuration:
    """A complete configuration, from a preset or a YAML file, with single keys set.

    Args:
        preset: one of `presets()`; None is what the file names, or `search`.
        settings: values by their keys with dots between, `{"gates.penalty": 3e-3}`.
        file: a YAML file, laid over the preset.

    Raises:
        UsageError: it is no configuration; all that is wrong is told, with the key and what was expected.
    """
    require("preset", preset, (str, type(None)), "the name of a preset")
    require("settings", settings, (Mapping, type(None)), "values by their keys, like {'gates.penalty': 3e-3}")
    load_installed()
    put = [Setting(key, _plain(value), Mark(source=f"{key}: {value!r}")) for key, value in (settings or {}).items()]
    configuration = validated(collect(preset, None if file is None else Path(file), put))
    design(configuration)
    return configuration


def _plain(value: object) -> object:
    """A value as YAML would hold it."""
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
