"""Layers that users bring along in a module of their own."""

import sys
from importlib import import_module
from pathlib import Path

from connprune.architecture.layers import LAYERS, Layer, register
from connprune.errors import UsageError


def load_plugin(name: str) -> None:
    """Imports a module, from where Python finds it or from the current folder, and registers the layers it defines.

    Only a name that the user typed gets here; names in files never import code.

    Raises:
        UsageError: there is no such module, it fails, or it defines no layer.
    """
    if name.endswith(".py") or "/" in name:
        raise UsageError(f"--plugin {name}: give the name of the module, without its folder and without .py.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = import_module(name)
    except (Exception, SystemExit) as error:  # A module of the user's may fail in any way.
        raise UsageError(f"--plugin {name}: cannot import this module: {type(error).__name__}: {error}.") from None
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Layer) and value.__module__ == name
    ]
    for layer in found:
        if layer not in LAYERS.values():
            register(layer)
    if not found:
        raise UsageError(f"--plugin {name}: this module defines no layer, a subclass of connprune.architecture.Layer.")
