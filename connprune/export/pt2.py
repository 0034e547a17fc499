"""A network as a graph of torch operations, in the archive of `torch.export`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from connprune.export.tracing import exporter, input_type, traced
from connprune.files import write_whole
from connprune.network.network import Network


def writer(network: Network, metadata: Mapping[str, str]) -> Callable[[Path], None]:
    """What writes the file; the metadata are its extra files."""
    program = traced(network, input_type(metadata))

    def save(temporary: str) -> None:
        with exporter("torch.export"), Path(temporary).open("wb") as file:
            torch.export.save(program, file, extra_files=dict(metadata))

    return lambda path: write_whole(path, save)
