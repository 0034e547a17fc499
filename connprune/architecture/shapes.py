"""Shape inference, and the parameters and multiply-accumulates that follow from the shapes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from connprune.architecture.base import HEAD, INPUT, LayerShapeError, Shape
from connprune.documents.size import Size
from connprune.limits import ACTIVATIONS, PARAMETERS, Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    A merge's height and width are those of what it reads of the same pass, to which all that it reads is brought; so
    they follow from one layer to the next, also where connections lead backward.

    Raises:
        PydanticCustomError: a layer gets fewer rows or columns than it needs; the message names both. Or there are
            more activations than the limit. Or backward connections leave a size or a number of feature maps open.
    """
    later = _settled(architecture)
    output: dict[str, Shape] = {}
    merged: dict[str, Shape] = {}
    given = architecture.input
    output[INPUT] = Shape(given.feature_maps, given.height, given.width)
    activations = output[INPUT].numel
    _require(activations, ACTIVATIONS, INPUT)
    for target in architecture.connections:
        merged[target] = _merged(architecture, target, {**later, **output}, is_settled=True)
        activations += merged[target].numel * architecture.passes[target]
        _require(activations, ACTIVATIONS, target)
        try:
            if target == HEAD:
                if architecture.head.norm:
                    architecture.head.norm.require(merged[target])
                continue
            output[target] = architecture.layer[target].output_shape(merged[target])
        except LayerShapeError as error:
            raise PydanticCustomError(
                "shape",
                "the {what} got {shape} (feature maps@side), but {reason}",
                {
                    "what": "head" if target == HEAD else f"layer {target!r}",
                    "shape": str(merged[target]),
                    "reason": str(error),
                },
            ) from None
        activations += output[target].numel * architecture.passes[target]
        _require(activations, ACTIVATIONS, target)
    return Shapes(merged, output)


def _merged(architecture: Architecture, target: str, given: Mapping[str, Shape], *, is_settled: bool) -> Shape:
    """What a target reads.

    Args:
        architecture: whose target it is.
        target: which.
        given: what its sources give.
        is_settled: whether that is so, and not only what is known so far.
    """
    merge = architecture.merge_of(target)
    inputs = [given[source] for source in architecture.connections[target]]
    size = merge.merged_size([given[source] for source in architecture.forward_sources(target)])
    if size is None:
        raise PydanticCustomError(
            "shape",
            "{target} reads only layers that come after it, which leaves its height and width open; set "
            "merges.{name}.size, or let it read something before it",
            {"target": repr(target), "name": target},
        )
    height, width = size
    if is_settled and merge.resize == "pad" and any(shape.height > height or shape.width > width for shape in inputs):
        raise PydanticCustomError(
            "shape",
            "the merge of {target} pads to {size}, but reads something larger; set a larger merges.{name}.size",
            {"target": repr(target), "size": f"{height}×{width}", "name": target},
        )
    if is_settled:
        _require_selections(architecture, target, given)
    brought = [_brought(architecture, target, source, given[source]) for source in architecture.connections[target]]
    return Shape(architecture.aggregate[target].merged_maps(brought), height, width)


def _settled(architecture: Architecture) -> dict[str, Shape]:
    """What the sources of backward connections give: the smallest numbers of feature maps that agree with each other.

    Raises:
        PydanticCustomError: there are none, since more come back to a layer with each pass.
    """
    later = dict.fromkeys((source for source, _ in architecture.backward_connections), Shape(1, 1, 1))
    given = architecture.input
    # A number reaches all that it decides over each of these sources once.
    for _ in range(len(later) + 2 if later else 0):
        output = {**later, INPUT: Shape(given.feature_maps, given.height, given.width)}
        for layer in architecture.layers:
            merged = _merged(architecture, layer.name, output, is_settled=False)
            try:
                output[layer.name] = layer.output_shape(merged)
            except LayerShapeError:
                # It may suit once the numbers are settled, and is refused then if it does not.
                output[layer.name] = merged._replace(
                    feature_maps=getattr(layer, "feature_maps", None) or merged.feature_maps
                )
        before, later = later, {source: output[source] for source in later}
        if before == later:
            return later
        if max(shape.feature_maps for shape in later.values()) > ACTIVATIONS.most:
            break
    if not later:
        return later
    name = next(source for source in later if before[source] != later[source])
    raise PydanticCustomError(
        "shape",
        "{source} passes on all feature maps that it reads, and backward connections bring it more of them with each "
        "pass; let it read fewer layers, or give it a merge that does not stack them, like sum or squeeze with "
        "feature_maps",
        {"source": repr(name)},
    )


def require_parameters(architecture: Architecture) -> None:
    """Refuses what is beyond the limit on parameters, before a network takes memory for them.

    Raises:
        PydanticCustomError: as `infer_shapes`; or there are more parameters than the limit.
    """
    parameters = gate_count(architecture)
    for target in architecture.connections:
        parameters += target_parameters(architecture, target)
        _require(parameters, PARAMETERS, target)


def _require(count: int, limit: Limit, reached: str) -> None:
    if count > limit.most:
        raise PydanticCustomError(
            "shape",
            "from the input to {reached} these are {count}, {limit}",
            {"reached": repr(reached), "count": f"{count:,}", "limit": str(limit)},
        )


def _require_selections(architecture: Architecture, target: str, given: Mapping[str, Shape]) -> None:
    aggregate = architecture.aggregate[target]
    for source, selection in architecture.selections.get(target, {}).items():
        maps = given[source].feature_maps
        if max(selection.take) >= maps or (aggregate.stacks and selection.at is not None):
            raise PydanticCustomError(
                "shape",
                "the selection of {source} by {target} takes feature map {number} of {given}, or has an `at`, which "
                "{aggregate} does not know",
                {
                    "source": repr(source),
                    "target": repr(target),
                    "number": max(selection.take),
                    "given": maps,
                    "aggregate": aggregate.name,
                },
            )


def _brought(architecture: Architecture, target: str, source: str, given: Shape) -> int:
    """How many feature maps a connection brings; where inputs are not stacked, how far they reach."""
    selection = architecture.selection(target, source)
    if selection is None:
        return given.feature_maps
    return len(selection.take) if selection.at is None else max(selection.at) + 1


def carried_maps(architecture: Architecture) -> int:
    """The feature maps of all connections together: one that several connections carry is counted for each."""
    return sum(brought_maps(architecture, target) for target in architecture.connections)


def brought_maps(architecture: Architecture, target: str) -> int:
    """The feature maps of all connections into a target together."""
    return sum(read.maps for read in architecture.reads[target])


def head_widths(architecture: Architecture, merged: Shape | None = None) -> list[int]:
    """The number of values before each dense layer of the head, and the number of classes at the end.

    Args:
        architecture: whose head it is.
        merged: what the head reads; None is what it reads in this architecture.
    """
    merged = merged or architecture.shapes.merged[HEAD]
    reduced = merged.numel if architecture.head.reduce == "flatten" else merged.feature_maps
    return [reduced, *architecture.head.hidden, architecture.classes]


def head_counts(architecture: Architecture, merged: Shape) -> tuple[int, int]:
    """The head's parameters and multiply-accumulates if it reads this, merges and gates left out."""
    layers, norm = list(pairwise(head_widths(architecture, merged))), architecture.head.norm
    scales = norm.parameters(merged.feature_maps) if norm else 0
    macs = sum(before * after for before, after in layers)
    return scales + macs + sum(after for _, after in layers), macs


def gate_count(architecture: Architecture) -> int:
    """How many numbers the gates learn."""
    return sum(architecture.gate_counts)


def parameter_count(architecture: Architecture) -> int:
    """How many numbers the network learns, gates included."""
    targets = sum(target_parameters(architecture, target) for target in architecture.connections)
    return targets + gate_count(architecture)


def mac_count(architecture: Architecture) -> int:
    """Multiply-accumulates for one image, in convolutions and dense layers, merges included, and in all passes."""
    return sum(target_macs(architecture, target) for target in architecture.connections)


def size_of(architecture: Architecture) -> Size:
    """All counts of a network."""
    return Size(
        connections=len(architecture.all_connections),
        feature_maps=carried_maps(architecture),
        layers=len(architecture.layers),
        parameters=parameter_count(architecture),
        macs=mac_count(architecture),
    )


def target_parameters(architecture: Architecture, target: str) -> int:
    """How many numbers a layer, or the head, and the merge before it learn, without gates."""
    merged = architecture.shapes.merged[target]
    merge = architecture.aggregate[target].parameters(brought_maps(architecture, target), merged)
    if target == HEAD:
        return merge + head_counts(architecture, merged)[0]
    return merge + architecture.layer[target].parameters(merged)


def target_macs(architecture: Architecture, target: str) -> int:
    """Multiply-accumulates of a layer, or the head, and the merge before it for one image, in all passes."""
    merged = architecture.shapes.merged[target]
    merge = architecture.aggregate[target].macs(brought_maps(architecture, target), merged)
    if target == HEAD:
        return merge + head_counts(architecture, merged)[1]
    return (merge + architecture.layer[target].macs(merged)) * architecture.passes[target]
