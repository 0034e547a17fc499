"""Shape inference, and the parameters and multiply-accumulates that follow from the shapes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from connprune.architecture.base import HEAD, INPUT, Shape
from connprune.architecture.layers import LayerShapeError

if TYPE_CHECKING:
    from connprune.architecture.architecture import Architecture


@dataclass(frozen=True)
class Shapes:
    """The shape after each merge and each layer.

    Attributes:
        merged: the shape that each target reads, head included.
        output: the shape that each source gives, input included.
    """

    merged: dict[str, Shape]
    output: dict[str, Shape]


def infer_shapes(architecture: Architecture) -> Shapes:
    """Follows one image through the architecture.

    Raises:
        PydanticCustomError: a layer gets fewer rows or columns than it needs; the message names both.
    """
    given = architecture.input
    output = {INPUT: Shape(given.feature_maps, given.height, given.width)}
    merged = {}
    for target, sources in architecture.connections.items():
        inputs = [output[source] for source in sources]
        override = architecture.merges.get(target)
        height, width = override.size if override else smallest(inputs)
        merged[target] = Shape(sum(shape.feature_maps for shape in inputs), height, width)
        if target == HEAD:
            continue
        try:
            output[target] = architecture.layer[target].output_shape(merged[target])
        except LayerShapeError as error:
            raise PydanticCustomError(
                "shape",
                "the layer {layer} got {shape} (feature maps@side), but {reason}; use larger images or fewer layers",
                {"layer": repr(target), "shape": str(merged[target]), "reason": str(error)},
            ) from None
    return Shapes(merged, output)


def smallest(inputs: list[Shape]) -> tuple[int, int]:
    """The smallest height and the smallest width among the inputs of a merge."""
    return min(shape.height for shape in inputs), min(shape.width for shape in inputs)


def head_widths(architecture: Architecture) -> list[int]:
    """The number of values before each dense layer of the head, and the number of classes at the end."""
    merged = architecture.shapes.merged[HEAD]
    reduced = merged.numel if architecture.head.reduce == "flatten" else merged.feature_maps
    return [reduced, *architecture.head.hidden, architecture.classes]


def gates_of_each(architecture: Architecture) -> list[int]:
    """How many gates each gated connection has: 1 if its feature maps share one, else as many as it brings."""
    if architecture.gates is None or architecture.gates.sharing == "shared":
        return [1] * len(architecture.gated_connections)
    return [architecture.shapes.output[source].feature_maps for source, _ in architecture.gated_connections]


def gate_count(architecture: Architecture) -> int:
    """How many numbers the gates learn."""
    return sum(gates_of_each(architecture))


def parameter_count(architecture: Architecture) -> int:
    """How many numbers the network learns, gates included."""
    merged = architecture.shapes.merged
    layers = sum(layer.parameters(merged[layer.name]) for layer in architecture.layers)
    return layers + head_parameters(architecture) + gate_count(architecture)


def mac_count(architecture: Architecture) -> int:
    """Multiply-accumulates of one image's forward pass through convolutions and dense layers."""
    merged = architecture.shapes.merged
    return sum(layer.macs(merged[layer.name]) for layer in architecture.layers) + head_macs(architecture)


def head_parameters(architecture: Architecture) -> int:
    """How many weights and biases the head's dense layers have."""
    return sum(before * after + after for before, after in pairwise(head_widths(architecture)))


def head_macs(architecture: Architecture) -> int:
    """Multiply-accumulates of the head's dense layers for one image."""
    return sum(before * after for before, after in pairwise(head_widths(architecture)))
