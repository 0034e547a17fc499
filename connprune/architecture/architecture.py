"""An architecture: layers, the connections between them, how they merge, and the head."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from connprune.architecture import (  # noqa: F401 (they register)
    convolutions,
    elementwise,
    image_layers,
    sequence_layers,
    stacking,
    wirings,
)
from connprune.architecture.aggregates import AGGREGATES, Aggregate
from connprune.architecture.base import HEAD, INPUT, ClassCount, Count, Fraction, Frozen, Shape, UnsuitableKeyError
from connprune.architecture.blocks import Blocks, normalised
from connprune.architecture.gates import OptionalGates
from connprune.architecture.layers import AnyLayer, Layer
from connprune.architecture.merging import Merge, MergeOverride, Selection
from connprune.architecture.norms import Norm, OptionalNorm
from connprune.architecture.reads import Read, infer_reads
from connprune.architecture.shapes import Shapes, infer_shapes, require_parameters
from connprune.architecture.unrolling import backward, schedule
from connprune.limits import CONNECTIONS, LAYERS


class Connection(NamedTuple):
    """A directed connection from a source (the input or a layer) to a target (another layer or the head)."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source}->{self.target}"


class Input(Frozen):
    """The shape of one input image.

    Attributes:
        feature_maps: its channels: 3 for colour, 1 for grey.
        height: in pixels.
        width: in pixels.
    """

    feature_maps: Count
    height: Count
    width: Count


class Head(Frozen):
    """What follows the last merge: a normalisation, a reduction, hidden dense layers, and the classifier.

    Attributes:
        norm: `batch`, `layer`, or a section: what the head reads is normalised, and the activation follows; null is
            none, and no activation.
        reduce: `flatten`, every position keeps its own weights; `average`, each feature map becomes its mean.
        hidden: the width of each hidden dense layer.
        activation: follows the normalisation and each hidden layer.
        dropout: rate of the dropout that follows each hidden layer's activation.
    """

    norm: OptionalNorm = None
    reduce: Literal["flatten", "average"] = "flatten"
    hidden: tuple[Count, ...] = ()
    activation: Literal["relu", "none"] = "relu"
    dropout: Fraction = 0.0

    @field_validator("hidden")
    @classmethod
    def _count_hidden(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        _require_few(value)
        return value


class Blueprint(Frozen):
    """An architecture whose input and classes are still open: what a preset or a configuration holds.

    Attributes:
        layers: in order; a layer may read the layers before it and the input, and with `unroll` those after it.
        unroll: for how many passes the network is unrolled: a connection from a later layer brings what that gave in
            the pass before, and zeros in the first; 1 is no such connections.
        connections: for each target the sources it reads, as `{target: [source, …]}`; `dense`, `chain`, `residual` and
            `complete` stand for the reference wirings and are written out when the architecture is made.
        merge: how connections become one tensor.
        merges: overrides for single targets.
        selections: for single connections, by target and source, which feature maps they carry; a cut sets them.
        gates: None is a network without gates.
        head: what turns the last merge into class scores.
    """

    layers: tuple[AnyLayer, ...]
    unroll: Count = 1
    connections: dict[str, tuple[str, ...]]
    merge: Merge = Merge()
    merges: dict[str, MergeOverride] = Field(default_factory=dict)
    selections: dict[str, dict[str, Selection]] = Field(default_factory=dict)
    gates: OptionalGates = None
    head: Head = Head()

    @field_validator("layers", mode="before")
    @classmethod
    def _count_layers(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            _require_few(value)
        return value

    @field_validator("layers")
    @classmethod
    def _name_layers(cls, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        taken = {INPUT, HEAD}
        for layer in layers:
            if layer.name in taken:
                raise ValueError(f"the name {layer.name!r} is taken; every layer needs a name of its own")
            if layer.name:
                taken.add(layer.name)
        named = []
        counts: dict[str, int] = {}
        for layer in layers:
            counts[layer.stem] = counts.get(layer.stem, 0) + 1
            name = layer.name or f"{layer.stem}{counts[layer.stem]}"
            if not layer.name and name in taken:
                raise ValueError(f"a layer without a name would be called {name!r}, which is taken; name it")
            named.append(layer.model_copy(update={"name": name}))
        return tuple(named)

    @field_validator("unroll")
    @classmethod
    def _count_passes(cls, value: int, info: ValidationInfo) -> int:
        layers = len(info.data.get("layers", ()))
        # An unrolled network is as deep as one of so many layers.
        if value > 1 and value * max(1, layers) > LAYERS.most:
            raise ValueError(f"{value:,} passes through {layers:,} layers are {value * layers:,}, {LAYERS}")
        return value

    @field_validator(
        "connections",
        mode="before",
        json_schema_input_type=Literal["dense", "chain", "residual", "complete"] | dict[str, tuple[str, ...]],
    )
    @classmethod
    def _write_out_wiring(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str):
            if value not in wirings.WIRINGS:
                raise ValueError(f"expected a mapping or one of {', '.join(wirings.WIRINGS)}")
            names = [layer.name for layer in info.data.get("layers", ())]
            return wirings.WIRINGS[value](names)
        return value

    @field_validator("connections")
    @classmethod
    def _check_connections(cls, value: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
        count = sum(map(len, value.values()))
        if count > CONNECTIONS.most:
            raise ValueError(f"these are {count:,}, {CONNECTIONS}")
        if not {"layers", "unroll"} <= info.data.keys():
            return value
        return wirings.in_order(value, [layer.name for layer in info.data["layers"]], info.data["unroll"])

    @field_validator("merges")
    @classmethod
    def _check_merges(cls, value: dict[str, MergeOverride], info: ValidationInfo) -> dict[str, MergeOverride]:
        for target in value:
            if target not in info.data.get("connections", value):
                raise ValueError(f"{target!r} is no layer of this architecture, nor the head")
        merge, connections = info.data.get("merge"), info.data.get("connections")
        if merge is None or not connections or not AGGREGATES[merge.aggregate].mixes:
            return value
        # What reads the input alone reads it as it is; a cut, whose first layer may be another, says so for itself.
        first = next(iter(connections))
        if len(connections[first]) > 1:
            return value
        override = value.get(first, MergeOverride())
        plain = override if override.aggregate else override.model_copy(update={"aggregate": "concat"})
        return {first: plain, **{target: each for target, each in value.items() if target != first}}

    @field_validator("selections")
    @classmethod
    def _check_selections(
        cls, value: dict[str, dict[str, Selection]], info: ValidationInfo
    ) -> dict[str, dict[str, Selection]]:
        connections: wirings.Wiring = info.data.get("connections", {})
        for target, sources in value.items() if connections else ():
            for source in sources:
                if source not in connections.get(target, ()):
                    raise ValueError(f"there is no connection from {source!r} to {target!r}")
        return value

    @field_validator("gates")
    @classmethod
    def _check_gates(cls, value: OptionalGates, info: ValidationInfo) -> OptionalGates:
        connections: wirings.Wiring = info.data.get("connections", {})
        # There are none where something else is wrong, which is told.
        if value is None or not connections:
            return value
        if value.ungated is None:
            first = next(iter(connections))
            # With backward connections it reads more than the input, and there is something to choose.
            ungated = (first,) if len(connections[first]) == 1 else ()
            return value.model_copy(update={"ungated": ungated})
        for target in value.ungated:
            if target not in connections:
                raise UnsuitableKeyError(
                    "ungated", f"ungated names {target!r}, which is no layer of this architecture, nor the head"
                )
        return value

    def with_input(self, shape: Shape, classes: int) -> "Architecture":
        """The architecture for images of this shape and this number of classes.

        Raises:
            pydantic.ValidationError: the images are too small for the layers.
        """
        fields = {name: getattr(self, name) for name in Blueprint.model_fields}
        return Architecture(input=Input(**shape._asdict()), classes=classes, **fields)


class Architecture(Blueprint):
    """Layers, connections, merge, gates and head for one input shape and number of classes."""

    input: Input
    classes: ClassCount

    @model_validator(mode="after")
    def _check_shapes(self) -> Self:
        require_parameters(self)
        return self

    @cached_property
    def schedule(self) -> tuple[str, ...]:
        """The targets in the order in which they are computed, once for each pass that the head needs them in."""
        return schedule(self.connections, self.unroll)

    @cached_property
    def passes(self) -> Counter[str]:
        """In how many passes each target is computed."""
        return Counter(self.schedule)

    @cached_property
    def backward_connections(self) -> frozenset[Connection]:
        """Those from a layer after their target, which bring what it gave in the pass before."""
        return frozenset(Connection(*pair) for pair in backward(self.connections))

    def forward_sources(self, target: str) -> tuple[str, ...]:
        """What a target reads of the same pass: the input, and layers before it."""
        return tuple(
            source for source in self.connections[target] if Connection(source, target) not in self.backward_connections
        )

    @cached_property
    def shapes(self) -> Shapes:
        """The merged and output shape of every target."""
        return infer_shapes(self)

    def blocks(self, target: str) -> Blocks:
        """Which feature maps of a layer, or of what the head reads, stay or go together in a cut."""
        merged = self.shapes.merged[target]
        if target != HEAD:
            return self.layer[target].blocks(merged)
        return normalised(Blocks(), before=self.head.norm.together(merged.feature_maps)) if self.head.norm else Blocks()

    def norms(self, target: str) -> tuple[tuple[Norm, Shape], ...]:
        """What a layer, or the head, normalises: how, and of which shape it is."""
        merged = self.shapes.merged[target]
        if target != HEAD:
            return self.layer[target].norms(merged)
        return ((self.head.norm, merged),) if self.head.norm else ()

    def merge_of(self, target: str) -> Merge:
        """The merge of a target, with what the target's override sets."""
        override = self.merges.get(target)
        return override.over(self.merge) if override else self.merge

    @cached_property
    def aggregate(self) -> dict[str, Aggregate]:
        """What becomes of the inputs of each target."""
        merges = {target: self.merge_of(target) for target in self.connections}
        return {target: AGGREGATES[merge.aggregate](merge) for target, merge in merges.items()}

    def selection(self, target: str, source: str) -> Selection | None:
        """Which feature maps a connection carries; None is all in their order."""
        return self.selections.get(target, {}).get(source)

    @cached_property
    def reads(self) -> dict[str, tuple[Read, ...]]:
        """For each target its connections as it reads them, in their order."""
        return infer_reads(self)

    @cached_property
    def read(self) -> dict[Connection, Read]:
        """Every connection as its target reads it."""
        return {read.connection: read for reads in self.reads.values() for read in reads}

    @cached_property
    def gate_counts(self) -> tuple[int, ...]:
        """How many gates each gated connection has: 1 if its feature maps share one, else as many as it brings."""
        return tuple(len(self.read[connection].gates) for connection in self.gated_connections)

    @cached_property
    def layer(self) -> dict[str, Layer]:
        """The layers by name."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def all_connections(self) -> tuple[Connection, ...]:
        """Every connection, by target in layer order, then by source in layer order."""
        return tuple(Connection(source, target) for target, sources in self.connections.items() for source in sources)

    @cached_property
    def gated_connections(self) -> tuple[Connection, ...]:
        """The connections that have a gate, in the same order."""
        if self.gates is None:
            return ()
        ungated = self.gates.ungated or ()
        return tuple(connection for connection in self.all_connections if connection.target not in ungated)

    def without_gates(self) -> "Architecture":
        """The same connectivity with every connection plainly open."""
        return self.replace(gates=None)

    def replace(self, **changes: Any) -> "Architecture":
        """A validated copy with other values in the named fields; `model_copy` would keep the old shapes.

        Raises:
            pydantic.ValidationError: the result is no valid architecture.
        """
        return Architecture(**{**{name: getattr(self, name) for name in Architecture.model_fields}, **changes})


def _require_few(layers: Sequence[Any]) -> None:
    if len(layers) > LAYERS.most:
        raise ValueError(f"these are {len(layers):,}, {LAYERS}")
