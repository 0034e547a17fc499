"""Which sources of a target are brought as one: neighbours that are resized alike, which is fewer operations."""

from collections.abc import Hashable
from itertools import groupby

from connprune.architecture.architecture import Architecture, Connection
from connprune.network.aggregates import module_of

Names = tuple[str, ...]


def runs(architecture: Architecture, target: str) -> list[Names]:
    """The sources of a target in their order, those together that are resized as one."""
    aggregate, size = architecture.aggregate[target], architecture.shapes.merged[target].size

    def in_common(source: str) -> Hashable:
        shape = architecture.shapes.output[source]
        selection = architecture.selection(target, source)
        if (
            shape.size == size
            or not module_of(type(aggregate)).joins_neighbours
            or not architecture.read[Connection(source, target)].takes_all
        ):
            return source
        if aggregate.stacks:
            return shape.size
        return source if selection and selection.at is not None else shape

    return [tuple(names) for _, names in groupby(architecture.connections[target], in_common)]
