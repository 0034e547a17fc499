"""A network as an ONNX graph."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from connprune.errors import ArgumentError
from connprune.export.subject import INPUT_NAME, OUTPUT_NAME
from connprune.export.tracing import exporter, input_type, traced
from connprune.files import write_whole
from connprune.mistakes import Mistake
from connprune.network.network import Network

# A protocol buffer ends at 2 GiB; what is not weights takes far less than the rest.
_MOST_BYTES = 2_000_000_000


def writer(network: Network, metadata: Mapping[str, str]) -> Callable[[Path], None]:
    """What writes the file, and checks it before it takes its name.

    Raises:
        UsageError: the packages that write ONNX are not installed, or the weights are too large for one file.
        ConnpruneError: ONNX cannot express the network.
    """
    with exporter("ONNX"):
        try:
            import onnx
            import onnxscript  # noqa: F401 (torch.onnx needs it)
        except ImportError as error:
            problem = f"it needs the package {error.name}"
            hint = "install it with `pip install onnx onnxscript onnxruntime`"
            raise ArgumentError(Mistake(problem, key="format", found="onnx", hint=hint)) from None
    program = _program(network, metadata)

    def save(temporary: str) -> None:
        with exporter("ONNX"):
            program.save(temporary, external_data=False)
            onnx.checker.check_model(temporary, full_check=True)

    return lambda path: write_whole(path, save)


def _program(network: Network, metadata: Mapping[str, str]) -> Any:
    exported = traced(network, input_type(metadata))
    size = sum(tensor.nbytes for tensor in exported.state_dict.values())
    if size > _MOST_BYTES:
        problem = f"the weights take {size / 1e9:.1f} GB, and one ONNX file holds {_MOST_BYTES / 1e9:.0f} GB"
        raise ArgumentError(Mistake(problem, key="format", found="onnx", hint="use pt2 or safetensors"))
    with exporter("ONNX"):
        program = torch.onnx.export(
            exported,
            dynamic_shapes=({0: "batch"},),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            verbose=False,
        )
    if program is None:
        raise AssertionError("without a file name, torch.onnx.export gives a program")
    # Where in the source code an operation came from, with the paths of this machine.
    for node in program.model.graph:
        node.metadata_props.clear()
    program.model.metadata_props.update(metadata)
    return program
