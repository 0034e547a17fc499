"""Where each value of a configuration comes from, in words."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

import yaml

from connprune.architecture.architecture import Architecture
from connprune.architecture.core_schema import CoreDumper
from connprune.architecture.strict_yaml import KeyPath
from connprune.printable import printable
from connprune.training.configuration import DEFAULT_PRESET, Configuration
from connprune.training.layered import Layered

# What is filled in where nothing else says it.
_FILLED_IN = {"input": "the data", "classes": "the data", "data.split_seed": "training.seed"}


def explained(configuration: Configuration, architecture: Architecture, layered: Layered) -> str:
    """The whole configuration as YAML, a line for each value with a comment that says what set it.

    The comment names a line of a preset or a file, what was written on the command line, the data, or `default`.

    Args:
        configuration: what was resolved.
        architecture: what the data made of it.
        layered: what it was resolved from.
    """
    return "".join(f"{line}\n" for line in _lines(configuration.to_data(architecture), (), layered)).rstrip("\n")


def starting_sentence(layered: Layered, preset: str | None, file: object | None) -> str:
    """What a configuration starts from, and why.

    Args:
        layered: what was collected.
        preset: the preset that the user named, if they did.
        file: the file that they named, if they did.
    """
    over = f"{printable(str(file))} over " if file else ""
    if layered.base is not None:
        is_chosen = preset is not None or layered.base != DEFAULT_PRESET
        why = "" if is_chosen else ", where what names no preset and has no layers starts"
        return f"configuration: {over}the preset {layered.base}{why}"
    without = "" if layered.origin(("gates",)) else "; these have no gates, so there is nothing to search or to cut"
    return f"configuration: {over}the defaults, since it has layers of its own and names no preset{without}"


def _lines(value: Any, path: KeyPath, layered: Layered) -> Iterator[str]:
    """A line for each value below a section or a list of sections, and one for the beginning of each section."""
    for key, below in value.items() if isinstance(value, Mapping) else enumerate(value):
        at = (*path, key)
        name = f"{_plain(key)}:" if isinstance(value, Mapping) else "-"
        if _has_lines(below):
            lines = [f"  {line}" for line in _lines(below, at, layered)]
            if name == "-":
                lines[0] = f"- {lines[0][2:]}"
                yield from lines
            else:
                yield name
                yield from lines
        else:
            yield f"{name} {_plain(below)}  # {printable(_origin(at, layered))}"


def _has_lines(value: Any) -> bool:
    """Whether a value is more than one line can say."""
    if isinstance(value, Mapping):
        return bool(value)
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and any(isinstance(each, Mapping) for each in value)


def _origin(path: KeyPath, layered: Layered) -> str:
    return layered.origin(path) or _FILLED_IN.get(str(path[0])) or _FILLED_IN.get(".".join(map(str, path)), "default")


def _plain(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.dump([value], Dumper=CoreDumper, default_flow_style=True, allow_unicode=True, width=inf)
    if "\n" in text.rstrip("\n"):
        text = yaml.dump([value], Dumper=CoreDumper, default_flow_style=True, default_style='"', width=inf)
    return text.strip()[1:-1]
