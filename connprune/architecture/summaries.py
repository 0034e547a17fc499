"""What `print` says of a network and of its parts, a line for each."""

from typing import Any

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import HEAD, INPUT, Shape
from connprune.architecture.layers import Layer
from connprune.architecture.norms import Norm
from connprune.architecture.shapes import brought_maps, gate_count, head_counts, head_widths, parameter_count

# What a reader looks for in a layer, also where it is the default.
_ALWAYS = frozenset({"kernel", "size", "rate", "function", "activation"})
# What the line says otherwise.
_NEVER = frozenset({"name", "kind", "feature_maps"})


def of_network(architecture: Architecture) -> str:
    """The images, the classes and all parameters."""
    return _line(
        f"{architecture.shapes.output[INPUT]} -> {architecture.classes} classes", parameter_count(architecture)
    )


def of_gates(architecture: Architecture) -> str:
    """How many gates there are, of which kind, and what shares one."""
    gates = architecture.gates
    return f"{gate_count(architecture):,} gates, {gates.kind}, {gates.sharing}" if gates else ""


def of_layer(layer: Layer, merged: Shape) -> str:
    """The shapes that a layer reads and gives, its settings, and its parameters."""
    # A module that serves several kinds does not tell by its name which this is.
    kind = "" if layer.module.endswith(f":{type(layer).__name__}") else layer.kind
    settings = [
        f"{name}={_value(getattr(layer, name))}"
        for name, field in type(layer).model_fields.items()
        if name not in _NEVER and (name in _ALWAYS or getattr(layer, name) != field.default)
    ]
    return _line(kind, f"{merged} -> {layer.output_shape(merged)}", *settings, layer.parameters(merged))


def of_merge(architecture: Architecture, target: str) -> str:
    """What a target reads, how that becomes one, of which shape it is, and the gates and parameters for it."""
    reads, aggregate, merged = (
        architecture.reads[target],
        architecture.aggregate[target],
        architecture.shapes.merged[target],
    )
    parameters = aggregate.parameters(brought_maps(architecture, target), merged)
    gates = sum(len(read.gates) for read in reads)
    return _line(
        aggregate.name if len(reads) > 1 or parameters else "",
        f"{' + '.join(_sources(architecture, target))} -> {merged}",
        f"{gates:,} gate{'s' * (gates > 1)}" if gates else "",
        parameters,
    )


def of_head(architecture: Architecture) -> str:
    """What the head reads, the widths of its dense layers, its settings, and its parameters."""
    head, merged = architecture.head, architecture.shapes.merged[HEAD]
    return _line(
        f"norm={_value(head.norm)}" if head.norm else "",
        f"{merged} -> {head.reduce} -> {' -> '.join(map(str, head_widths(architecture)))}",
        f"activation={head.activation}" if head.norm or head.hidden else "",
        f"dropout={head.dropout}" if head.dropout else "",
        head_counts(architecture, merged)[0],
    )


def _line(*parts: str | int) -> str:
    """What there is to say; a number is one of parameters."""
    told = [f"{part:,} parameters" if isinstance(part, int) else part for part in parts if part]
    return ", ".join(told)


def _value(value: Any) -> str:
    """A setting as short as it can be told."""
    if isinstance(value, Norm):
        return value.kind if value.group_size is None else f"{value.kind}({value.group_size})"
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _sources(architecture: Architecture, target: str) -> list[str]:
    """The sources of a target, three and more neighbours by the first and the last of them."""
    numbers = {name: number for number, name in enumerate([INPUT, *architecture.layer])}
    runs: list[list[str]] = []
    for source in architecture.connections[target]:
        if runs and numbers[source] == numbers[runs[-1][-1]] + 1:
            runs[-1].append(source)
        else:
            runs.append([source])
    return [told for run in runs for told in (run if len(run) < 3 else [f"{run[0]}…{run[-1]}"])]
