"""What keeps commands that compute nothing from importing what they do not need; benchmarks/startup.py measures it."""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

# What typer imports for Markdown and for coloured tracebacks, more than half of the time of --help; neither is used.
_SPARED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


def import_layout_of_help() -> None:
    """Imports typer's layout of help with stand-ins for what it does not use here.

    Whatever imports the real modules later gets them.
    """
    spared = [name for name in _SPARED if name not in sys.modules]
    for name in spared:
        sys.modules[name] = stand_in = ModuleType(name)
        setattr(stand_in, _SPARED[name], type(_SPARED[name], (), {}))
    try:
        import_module("typer.rich_utils")
    finally:
        for name in spared:
            del sys.modules[name]


def convert_only_where_needed(params: Iterable[Any]) -> None:
    """Lets text, and values that are not given, be as they are; typer would import pydantic to convert nothing."""
    for param in params:
        if "process_value" not in vars(param):
            param.process_value = partial(_processed, param, param.process_value)


def _processed(param: Any, process_value: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    kind = param.type_descriptor
    is_text = kind.annotation is str and kind.parameter_info.parser is None and isinstance(value, str)
    if not is_text and (value is not None or param.required):
        return process_value(ctx, value)
    if value is None and (param.multiple or param.nargs == -1):
        value = ()
    return param.callback(ctx, param, value) if param.callback else value
