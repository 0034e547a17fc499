"""The weights with their architecture in one safetensors file, which `connprune.load` reads."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from torch import fx, nn

from connprune.architecture.files import from_yaml, to_yaml
from connprune.arguments import require
from connprune.errors import UsageError
from connprune.mistakes import Mark, Mistake
from connprune.network.network import Network, build
from connprune.tensor_files import read_header, write_tensors
from connprune.training.run import load_weights
from connprune.wiring import saving


def writer(network: Network, metadata: Mapping[str, str]) -> Callable[[Path], None]:
    """What writes the file; the metadata name the architecture."""
    return lambda path: write_tensors(path, network.state_dict(), metadata)


def save(module: nn.Module, path: str | Path) -> None:
    """Writes a network with its architecture and its weights, or a wired module, into one safetensors file.

    `connprune.load` reads a network's; `connprune.restore` that of what `connprune.wire` or `connprune.shrink` gave.

    Args:
        module: one of these.
        path: the file; one that is there is replaced.

    Raises:
        UsageError: the module is none of these.
        DiskFullError: there is no room; the file that was there stays.
    """
    require("module", module, (Network, fx.GraphModule), "a Network, or what connprune.wire or connprune.shrink gave")
    if isinstance(module, Network):
        writer(module, {"architecture": to_yaml(module.architecture)})(Path(path))
    else:
        saving.save(cast("fx.GraphModule", module), Path(path))


def load(path: Path) -> Network:
    """The network in a file, ready for evaluation.

    Raises:
        UsageError: the file is damaged, or was not written by `writer`.
    """
    metadata = read_header(path).metadata
    if "architecture" not in metadata:
        raise UsageError(
            Mistake(
                found="a file without an architecture",
                expected="a run directory, or a safetensors file that `connprune export` wrote",
                mark=Mark(str(path)),
            )
        )
    network = build(from_yaml(metadata["architecture"], f"the architecture in {path}"))
    load_weights(network, path)
    return network.eval()
