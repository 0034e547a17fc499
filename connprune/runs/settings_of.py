"""What a run was configured with, a value for each key, read without building anything of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from connprune.runs.directory import RunDirectory


def settings_of(path: Path) -> dict[str, object]:
    """The values of a run's configuration by the paths of their keys, like `training.epochs` and `layers.0.kind`.

    Lists of plain values are one value.

    Raises:
        UsageError: it has no configuration, as an experiment, or that is damaged.
    """
    # Listing runs needs no YAML.
    from connprune.architecture.strict_yaml import parse

    run = RunDirectory(path)
    return dict(_flat(parse(run.text(run.config), str(run.config)).data, ""))


def shown(value: object) -> str:
    """A value on one line, as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)


def _flat(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        entries = list(value.items())
    elif isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
        entries = list(enumerate(value))
    else:
        yield path, value
        return
    for key, entry in entries:
        yield from _flat(entry, f"{path}.{key}" if path else str(key))
