"""Connectivity search and pruning for neural networks.

What is named here is the Python interface; everything else is reached through it or through the command line.
Importing this package imports nothing: a command can be interrupted from its first line on. A name is imported when it
is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from connprune import nn
    from connprune.architecture import (
        Architecture,
        Budget,
        Cut,
        Keep,
        KeepPerLayer,
        Latency,
        MaxDrop,
        Rule,
        Share,
        Sparsity,
        Threshold,
        WholeLayers,
    )
    from connprune.architecture.cutting import GateValues
    from connprune.export.safetensors import save
    from connprune.interface.configuring import config, presets
    from connprune.interface.training import open_run, resume, train
    from connprune.network import Network
    from connprune.network.folding import fold_gates
    from connprune.training.limited import Limited
    from connprune.wiring.own_loop import gates, penalty, preview, shrink
    from connprune.wiring.saving import restore
    from connprune.wiring.wire import wire

__version__ = "0.2.0"
__all__ = [
    "Budget",
    "Keep",
    "KeepPerLayer",
    "Latency",
    "Limited",
    "MaxDrop",
    "Share",
    "Sparsity",
    "Threshold",
    "WholeLayers",
    "__version__",
    "build",
    "config",
    "cut",
    "fold_gates",
    "gates",
    "load",
    "nn",
    "open_run",
    "penalty",
    "presets",
    "preview",
    "restore",
    "resume",
    "save",
    "shrink",
    "train",
    "wire",
]

# Where each name comes from that no function here stands for.
_ORIGINS = {
    "connprune.architecture": (
        "Budget",
        "Keep",
        "KeepPerLayer",
        "Latency",
        "MaxDrop",
        "Share",
        "Sparsity",
        "Threshold",
        "WholeLayers",
    ),
    "connprune.export.safetensors": ("save",),
    "connprune.interface.configuring": ("config", "presets"),
    "connprune.interface.training": ("open_run", "resume", "train"),
    "connprune.network.folding": ("fold_gates",),
    "connprune.training.limited": ("Limited",),
    "connprune.wiring.own_loop": ("gates", "penalty", "preview", "shrink"),
    "connprune.wiring.saving": ("restore",),
    "connprune.wiring.wire": ("wire",),
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "nn":
        return import_module("connprune.nn")
    origin = next((module for module, names in _ORIGINS.items() if name in names), None)
    if origin is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(origin), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load(path: str | Path) -> tuple[Network, Architecture]:
    """The network of a finished run or of a cut, with its final weights, in evaluation mode on the CPU.

    Args:
        path: a run directory, or a safetensors file that `connprune export` wrote.

    Returns:
        The network, which takes raw images (batch, feature maps, height, width), with values from 0 to 255 or like
        those of the arrays that it was trained on, and gives class scores (batch, classes); and its architecture.

    Raises:
        connprune.errors.UsageError: there is no finished run and no such file at this path, or it is damaged.
    """
    import os
    from pathlib import Path

    from connprune.arguments import require
    from connprune.export.safetensors import load as load_file
    from connprune.plugins import load_installed
    from connprune.runs.directory import RunDirectory
    from connprune.training.run import load_network

    require("path", path, (str, os.PathLike), "the path of a run or of a safetensors file")
    load_installed()
    path = Path(path)
    network = load_file(path) if path.is_file() else load_network(RunDirectory.open(path))
    return network, network.architecture


def build(architecture: Architecture) -> Network:
    """The network of an architecture, full or cut, with fresh weights drawn from torch's default generator.

    Raises:
        connprune.errors.UsageError: it is no architecture.
    """
    from connprune.network import build

    return build(architecture)


def cut(architecture: Architecture, gates: GateValues, rule: Rule) -> Cut:
    """Removes connections, and all that no longer lies between the input and the head.

    Args:
        architecture: the parent.
        gates: for every gated connection, by `Connection` or by its text `source->target`, its gate, or one for each
            feature map that it carries: then feature maps are cut one by one. The magnitude is what the rule sees.
        rule: `Threshold(t)`, `Keep(n)`, `Sparsity(s)`, `KeepPerLayer(k)` or `Budget(parameters=n, macs=Share(0.5))`
            from `connprune.architecture`; `WholeLayers(rule)` applies one to layers. `MaxDrop(0.5, accuracy)` and
            `Budget(latency=Latency(0.003, seconds))` take a function that measures a `Cut`.

    Returns:
        The smaller architecture, still with its gates (`.without_gates()` drops them), and a report.

    Raises:
        connprune.errors.UsageError: the architecture has no gates, a connection's gate is missing, the rule asks for
            more than there is, or an argument is of another type.
        connprune.errors.DisconnectedError: no path from the input to the head would be left.
    """
    from connprune.architecture.cutting import cut

    return cut(architecture, gates, rule)
