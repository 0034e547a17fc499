"""A wiring as the block of a larger network: copies of it one behind the other, in stages of falling height and width.

Each copy has the layers and the connections of the block. What stands for the input in it is the layer before
the copy: the stem, or the transition that makes of all that the head of the copy before would read one tensor, as
between the dense blocks of Huang et al. 2017. Within a stage height and width stay, so windows of the block that stride
do so no more; between two stages both are halved, and feature maps are doubled (He et al. 2016).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from pydantic import ValidationError

from connprune.architecture.aggregates import AGGREGATES
from connprune.architecture.architecture import Architecture, Input
from connprune.architecture.base import HEAD, INPUT, LayerShapeError, Shape
from connprune.architecture.convolutions import Convolution
from connprune.architecture.explain import explain
from connprune.architecture.gates import Gates
from connprune.architecture.growth import POOL, STEM, Growth, name_in, transition
from connprune.architecture.image_layers import AveragePooling, MaxPooling
from connprune.architecture.layers import Layer
from connprune.architecture.merging import MergeOverride
from connprune.architecture.norms import Norm
from connprune.architecture.strict_yaml import Document
from connprune.architecture.widths import step_of
from connprune.errors import UsageError


def grown(block: Architecture, growth: Growth) -> Architecture:
    """The network that a block grows to, without gates.

    Layers of the head keep their number; their widths are those of the block's head, times `width`. Where feature maps
    of the block come in groups, all widths are multiples of them. Connections carry all feature maps of their source,
    also where a cut left only some; a mean divides by the number of its connections.

    Args:
        block: what is repeated; its gates, its input and its classes do not matter.
        growth: how.

    Raises:
        UsageError: the block has no layers, one of them leaves no height and width, or the network is beyond a limit.
    """
    if not block.layers:
        raise UsageError("this network has no layers, so there is nothing to repeat.")
    try:
        return _Grown(block, growth).architecture()
    except ValidationError as error:
        raise UsageError(*explain(error, Architecture, Document({}))) from None


def gated(network: Architecture, block: Architecture, growth: Growth, gates: Gates) -> Architecture:
    """A network that grew from a block, with gates on the connections that have one in the block.

    Args:
        network: without gates.
        block: what it grew from.
        growth: how.
        gates: of the block; what they leave ungated stays so in each copy, as do stem and poolings between copies.
    """
    copies = range(1, growth.repeat + 1)
    like = {name_in(block, copy, layer): layer for copy in copies for layer in block.layer}
    like |= {transition(copy): HEAD for copy in copies} | {HEAD: HEAD}
    plain = gates.ungated or ()
    ungated = tuple(name for name in network.connections if name not in like or like[name] in plain)
    return network.replace(gates=gates.model_copy(update={"ungated": ungated}))


@dataclass
class _Grown:
    """A network that grows layer by layer.

    Attributes:
        block: what is repeated.
        growth: how.
        layers: those that there are so far.
        connections: likewise.
        merges: likewise.
        maps: the feature maps that each source gives.
    """

    block: Architecture
    growth: Growth
    layers: list[Layer] = field(default_factory=list)
    connections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    merges: dict[str, MergeOverride] = field(default_factory=dict)
    maps: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.step = step_of(self.block)
        self.entry = next(
            (width for layer in self.block.layers if (width := getattr(layer, "feature_maps", None)) is not None),
            self.block.input.feature_maps,
        )

    def architecture(self) -> Architecture:
        growth, stage_of = self.growth, self.growth.stage_of
        self.maps[INPUT] = growth.shape.feature_maps
        before = self._stem()
        for copy, stage in enumerate(stage_of, 1):
            self._copy(copy, before, stage, growth.sizes[stage])
            if copy < growth.repeat:
                before = self._transition(copy, before, stage, stage_of[copy])
        sources = self._sources(growth.repeat, HEAD, before)
        self._merge(HEAD, HEAD, sources, stage_of[-1])
        self.connections[HEAD] = sources
        head = self.block.head
        hidden = tuple(_scaled(width, growth.width, 1) for width in head.hidden)
        return Architecture(
            input=Input(**growth.shape._asdict()),
            classes=growth.classes,
            layers=tuple(self.layers),
            connections=self.connections,
            merge=self.block.merge.model_copy(update=dict.fromkeys(("size", "feature_maps", "denominator"))),
            merges=self.merges,
            gates=None,
            head=head.model_copy(update={"hidden": hidden}),
        )

    def _stem(self) -> str:
        """A convolution, and for large images poolings, as in He et al. 2016."""
        halvings = self.growth.halvings
        kernel, stride = (7 if halvings > 1 else 3), (2 if halvings else 1)
        self._plain(self._joint(STEM, kernel, 0, stride), INPUT)
        for number in range(1, halvings):
            pool = MaxPooling(name=f"{STEM}{POOL}{number}", size=self._window(3), stride=2, padding="same")
            self._plain(pool, self.layers[-1].name)
        return self.layers[-1].name

    def _transition(self, copy: int, before: str, stage: int, after: int) -> str:
        """A 1×1 convolution of all that the head of a copy would read, and where a stage ends a pooling."""
        sources = self._sources(copy, HEAD, before)
        self._add(self._joint(transition(copy), 1, after), sources, HEAD, stage)
        if after > stage:
            pool = AveragePooling(name=f"{transition(copy)}{POOL}", size=self._window(2), stride=2, padding="same")
            self._plain(pool, self.layers[-1].name)
        return self.layers[-1].name

    def _copy(self, copy: int, before: str, stage: int, size: tuple[int, int]) -> None:
        for layer in self.block.layers:
            sources = self._sources(copy, layer.name, before)
            changes: dict[str, object] = {"name": name_in(self.block, copy, layer.name)}
            if (width := getattr(layer, "feature_maps", None)) is not None:
                changes["feature_maps"] = self._width(width, stage)
            mine = layer.without_strides().model_copy(update=changes)
            self._add(mine, sources, layer.name, stage, size)

    def _sources(self, copy: int, target: str, before: str) -> tuple[str, ...]:
        """What a target of the block reads, in a copy."""
        return tuple(
            before if source == INPUT else name_in(self.block, copy, source)
            for source in self.block.connections[target]
        )

    def _joint(self, name: str, kernel: int, stage: int, stride: int = 1) -> Convolution:
        """The convolution that gives a copy in this stage its input."""
        maps, window = self._width(self.entry, stage), self._window(kernel)
        return Convolution(name=name, feature_maps=maps, kernel=window, stride=stride, norm=Norm(kind="batch"))

    def _window(self, side: int) -> int | tuple[int, int]:
        """A window that sequences, which are one row high, have room for."""
        return (1, side) if self.growth.shape.height == 1 and side > 1 else side

    def _plain(self, layer: Layer, source: str) -> None:
        """A layer that reads one source as it is."""
        if AGGREGATES[self.block.merge.aggregate].mixes:
            self.merges[layer.name] = MergeOverride(aggregate="concat")
        self.layers.append(layer)
        self.connections[layer.name] = (source,)
        self.maps[layer.name] = getattr(layer, "feature_maps", self.maps[source])

    def _add(
        self, layer: Layer, sources: tuple[str, ...], like: str, stage: int, size: tuple[int, int] | None = None
    ) -> None:
        """A layer that reads what a target of the block does, and keeps its size if that is given."""
        merged = self._merge(layer.name, like, sources, stage)
        maps = getattr(layer, "feature_maps", None)
        if size is not None:
            try:
                shape = layer.output_shape(Shape(merged, *size))
            except LayerShapeError as error:
                raise UsageError(f"the copy of layer {like!r} got {Shape(merged, *size)}, but {error}") from None
            if shape.size != size:
                raise UsageError(
                    f"layer {like!r} makes {shape} of {Shape(merged, *size)} (feature maps@side), expected one that "
                    "can keep height and width, as all layers of a block do."
                )
            maps = shape.feature_maps
        self.layers.append(layer)
        self.connections[layer.name] = sources
        self.maps[layer.name] = merged if maps is None else maps

    def _merge(self, target: str, like: str, sources: Sequence[str], stage: int) -> int:
        """Sets how a target merges, and returns how many feature maps that gives."""
        aggregate, brought = self.block.aggregate[like], [self.maps[source] for source in sources]
        changes = dict(self._kept(like))
        if "feature_maps" in aggregate.keys:
            wanted = self._width(self.block.shapes.merged[like].feature_maps, stage)
            # A cut's merge may give more than what is left brings.
            changes |= {"feature_maps": min(wanted, sum(brought)), "aggregate": aggregate.name}
            aggregate = type(aggregate)(aggregate.merge.model_copy(update={"feature_maps": changes["feature_maps"]}))
        if changes:
            self.merges[target] = MergeOverride.model_validate(changes)
        return aggregate.merged_maps(brought)

    def _kept(self, like: str) -> Iterator[tuple[str, object]]:
        """What the block's own override says, but for sizes and counts that are not those of a copy."""
        override = self.block.merges.get(like)
        for key in ("aggregate", "resize", "interpolation") if override else ():
            if (value := getattr(override, key)) is not None:
                yield key, value

    def _width(self, width: int, stage: int) -> int:
        return _scaled(width, self.growth.width * 2**stage, self.step)


def _scaled(width: int, factor: Fraction, step: int) -> int:
    """The multiple of the step that is nearest to a width times a factor; at least one step."""
    return step * max(1, floor(width * factor / step + Fraction(1, 2)))
