"""What is published without saying where it was made."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from connprune.architecture.gates import FromRun, Gates
from connprune.data.named import SOURCES
from connprune.training.configuration import Configuration

# What an environment says of a machine and its user rather than of the software that computed.
_OF_A_PLACE = frozenset({"command", "folder", "commit", "host", "process"})
# And what a summary says of how processes were started.
_LAUNCH = "launch"


def without_paths(configuration: Configuration) -> Configuration:
    """A configuration that names its folder of images, and the run that its gates start from, by their last part."""
    data = configuration.data
    source = data.source if data.source in SOURCES else _name(data.source)
    changes = {"data": data.model_copy(update={"source": source, "cache": None})}
    return configuration.model_copy(update={**changes, "gates": gates_without_paths(configuration.gates)})


def gates_without_paths(gates: Gates | None) -> Gates | None:
    """Gates that name the run that they start from by its last part."""
    if gates is None or not isinstance(gates.initialisation, FromRun):
        return gates
    start = gates.initialisation.model_copy(update={"run": _name(gates.initialisation.run)})
    return gates.model_copy(update={"initialisation": start})


def redacted(data: dict[str, object], *paths: str) -> dict[str, object]:
    """Plain data in which every path has become its last part, wherever in a text it stands.

    Paths are those that are given and those that the data have as absolute values; of environments, command, folder,
    commit, host and process are left out, and so is how processes were started.

    Args:
        data: what JSON can hold.
        paths: absolute or relative paths that may stand within its texts.
    """
    plain: dict[str, object] = _without_places(data)
    known = {path for path in (*paths, *_absolute(data)) if Path(path).name}
    # A path may be the beginning of another one.
    for path in sorted(known, key=len, reverse=True):
        plain = _replaced(plain, path, _name(path))
    return plain


def last_parts(paths: Sequence[str]) -> list[str]:
    """The last part of each path, numbered where several have the same."""
    names = [_name(str(Path(path).resolve())) for path in paths]
    return [
        f"{name} ({names[: number + 1].count(name)})" if names.count(name) > 1 else name
        for number, name in enumerate(names)
    ]


def _name(path: str) -> str:
    return Path(path).name or "folder"


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        environments = value.get("environments")
        plain = {key: _without_places(each) for key, each in value.items() if key != _LAUNCH}
        if isinstance(environments, list):
            plain["environments"] = [
                {key: each for key, each in one.items() if key not in _OF_A_PLACE} for one in environments
            ]
        return plain
    return [_without_places(each) for each in value] if isinstance(value, list | tuple) else value


def _absolute(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if Path(value).is_absolute():
            yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _absolute(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _absolute(each)


def _replaced(value: Any, path: str, name: str) -> Any:
    if isinstance(value, str):
        return value.replace(path, name)
    if isinstance(value, dict):
        return {key: _replaced(each, path, name) for key, each in value.items()}
    return [_replaced(each, path, name) for each in value] if isinstance(value, list) else value
