"""Parts that users bring along: in a module that they name, or in a package that they installed.

No file has a say in what is imported here, neither that something is nor what. Nothing here imports torch.
"""

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from connprune.architecture.aggregates import AGGREGATES
from connprune.architecture.gate_kinds import GATE_KINDS
from connprune.architecture.layers import LAYERS
from connprune.data.augmentations import AUGMENTATIONS
from connprune.data.formats import FORMATS
from connprune.data.named import SOURCES
from connprune.errors import UsageError
from connprune.experiments.baselines import BASELINES
from connprune.registry import Registry
from connprune.training.callbacks import CALLBACKS
from connprune.training.importance import CRITERIA
from connprune.training.recipe import OPTIMIZERS
from connprune.training.schedules import SCHEDULES

REGISTRIES: tuple[Registry[Any], ...] = (
    LAYERS,
    AGGREGATES,
    GATE_KINDS,
    OPTIMIZERS,
    SCHEDULES,
    AUGMENTATIONS,
    SOURCES,
    FORMATS,
    CRITERIA,
    BASELINES,
    CALLBACKS,
)


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
    for registry in REGISTRIES:
        for offer in offers.select(group=registry.group):
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
        parts = [part for registry in REGISTRIES for part in registry.defined_in(module)]
    except UsageError as error:
        raise UsageError(f"plug-in {name}: {error}") from None
    if not parts:
        kinds = ", no ".join(registry.what for registry in REGISTRIES)
        raise UsageError(f"plug-in {name}: this module defines no {kinds}.")


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
