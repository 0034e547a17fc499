"""Layers and aggregates that users bring along: in a module that they name, or in a package that they installed.

No file has a say in what is imported here, neither that something is nor what.
"""

import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from connprune.architecture import aggregates, layers
from connprune.architecture.aggregates import Aggregate
from connprune.architecture.layers import Layer
from connprune.errors import UsageError

# Installed packages offer layers of their own under this group; an entry's name is the layer's kind.
ENTRY_POINTS = "connprune.layers"
# The same for aggregates, by their names.
MERGES = "connprune.merges"


def load_installed() -> None:
    """Registers what installed packages offer, all of it, whatever will be read.

    Raises:
        UsageError: one of them cannot be imported.
    """
    for group, what in ((ENTRY_POINTS, "layer"), (MERGES, "aggregate")):
        for offer in entry_points(group=group):
            try:
                _register(offer.load())
            except (Exception, SystemExit) as error:  # A module of the user's may fail in any way.
                raise UsageError(
                    f"The installed package that offers the {what} {offer.name!r} as {offer.value} fails: "
                    f"{type(error).__name__}: {error}; mend it or uninstall it."
                ) from None


def load_plugin(name: str) -> None:
    """Imports a module, from where Python finds it or else from the current folder, and registers what it defines.

    Only a name that the user typed gets here.

    Raises:
        UsageError: there is no such module, it fails, or it defines no layer and no aggregate.
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
        raise UsageError(f"plug-in {name}: cannot import this module: {type(error).__name__}: {error}.") from None
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Layer | Aggregate) and value.__module__ == name
    ]
    for part in found:
        _register(part)
    if not found:
        raise UsageError(
            f"plug-in {name}: this module defines no layer and no aggregate, a subclass of Layer or of Aggregate in "
            "connprune.architecture."
        )


def _register(part: type[Layer] | type[Aggregate]) -> None:
    if issubclass(part, Layer):
        layers.register(part)
    else:
        aggregates.register(part)
