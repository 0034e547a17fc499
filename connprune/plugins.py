"""Parts that users bring along: in a module that they name, or in a package that they installed.

No file has a say in what is imported here, neither that something is nor what. Nothing here imports torch.
"""

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from connprune.errors import UsageError
from connprune.registry import Registry, imported

# Where the registry of each group of entry points is: where nothing is offered, none need be imported.
_REGISTRIES = {
    "connprune.layers": "connprune.architecture.layers:LAYERS",
    "connprune.merges": "connprune.architecture.aggregates:AGGREGATES",
    "connprune.gates": "connprune.architecture.gate_kinds:GATE_KINDS",
    "connprune.optimizers": "connprune.training.recipe:OPTIMIZERS",
    "connprune.schedules": "connprune.training.schedules:SCHEDULES",
    "connprune.augmentations": "connprune.data.augmentations:AUGMENTATIONS",
    "connprune.sources": "connprune.data.named:SOURCES",
    "connprune.formats": "connprune.data.formats:FORMATS",
    "connprune.criteria": "connprune.training.importance:CRITERIA",
    "connprune.baselines": "connprune.experiments.baselines:BASELINES",
    "connprune.callbacks": "connprune.training.callbacks:CALLBACKS",
}


def registries() -> list[Registry[Any]]:
    """All of them, by which a part of any kind is known."""
    return [_registry(group) for group in _REGISTRIES]


def _registry(group: str) -> Registry[Any]:
    registry: Registry[Any] = imported(_REGISTRIES[group], f"group {group}")
    return registry


def load_plugins(names: Iterable[str] = ()) -> None:
    """Registers the parts that installed packages offer, and those of the modules that the user named.

    Raises:
        UsageError: as `load_installed` and `load_plugin` do.
    """
    load_installed()
    for name in names:
        load_plugin(name)


def load_installed() -> None:
    """Registers the parts that installed packages offer, all of them, whatever will be read.

    An entry point's name is the part's.

    Raises:
        UsageError: one of them cannot be imported, is no such part, or has the name of another.
    """
    offers = entry_points()
    for group in _REGISTRIES:
        for offer in offers.select(group=group):
            registry = _registry(group)
            try:
                registry.register(offer.load())
            except (Exception, SystemExit) as error:  # A module of the user's may fail in any way.
                raise UsageError(
                    f"The installed package that offers the {registry.what} {offer.name!r} as {offer.value} fails: "
                    f"{_in_words(error)}; mend it or uninstall it."
                ) from None


def load_plugin(name: str) -> None:
    """Imports a module, from where Python finds it or else from the current folder, and registers its parts.

    Only a name that the user typed gets here.

    Raises:
        UsageError: there is no such module, it fails, it defines no part, or one with a name that is taken.
    """
    if name.endswith(".py") or "/" in name:
        raise UsageError(f"plug-in {name}: give the name of the module, without its folder and without .py.")
    here = str(Path.cwd())
    if here not in sys.path:
        # Last, or a file here that is called like a library would be imported in the library's place.
        sys.path.append(here)
    try:
        module = import_module(name)
    except (Exception, SystemExit) as error:  # A module of the user's may fail in any way.
        raise UsageError(f"plug-in {name}: cannot import this module: {_in_words(error)}.") from None
    try:
        parts = [part for registry in registries() for part in registry.defined_in(module)]
    except UsageError as error:
        raise UsageError(f"plug-in {name}: {error}") from None
    if not parts:
        kinds = ", no ".join(registry.what for registry in registries())
        raise UsageError(f"plug-in {name}: this module defines no {kinds}.")


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
