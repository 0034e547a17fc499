"""The weights with their architecture in one safetensors file, which `connprune.load` reads."""

from collections.abc import Callable, Mapping
from pathlib import Path

from connprune.architecture.files import from_yaml
from connprune.errors import UsageError
from connprune.network.network import Network, build
from connprune.tensor_files import read_header, write_tensors
from connprune.training.run import load_weights


def writer(network: Network, metadata: Mapping[str, str]) -> Callable[[Path], None]:
    """What writes the file; the metadata name the architecture."""
    return lambda path: write_tensors(path, network.state_dict(), metadata)


def load(path: Path) -> Network:
    """The network in a file, ready for evaluation.

    Raises:
        UsageError: the file is damaged, or was not written by `writer`.
    """
    metadata = read_header(path).metadata
    if "architecture" not in metadata:
        raise UsageError(
            f"{path}: expected a run directory, or a file from `connprune export --format safetensors`, "
            f"found a file without an architecture."
        )
    network = build(from_yaml(metadata["architecture"], f"the architecture in {path}"))
    load_weights(network, path)
    return network.eval()
