"""An architecture, and what its training made of it."""

from typing import Literal

from connprune.documents.base import Fraction, Natural, Part, Shown
from connprune.documents.run import Kind, Status, Summary


class Target(Part):
    """A layer, or the head.

    Attributes:
        target: its name.
        kind: of layer, or `head`.
        sources: what it reads.
        reads: the shape of what it reads, as `feature maps@side`.
        feature_maps: of what it reads.
        height: likewise.
        width: likewise.
        gives: the shape of what it gives, or the number of classes.
        parameters: its own and those of the merge before it.
        macs: likewise, per image and in all passes.
        passes: how often it is computed for an image: more than once only in an unrolled network.
    """

    target: str
    kind: str
    sources: tuple[str, ...]
    reads: str
    feature_maps: Natural
    height: Natural
    width: Natural
    gives: str
    parameters: Natural
    macs: Natural
    passes: Natural


class ConnectionGate(Part):
    """One connection's gate over a training.

    Attributes:
        source: where the connection comes from.
        target: where it goes to.
        backward: whether its source is a later layer, so that it brings what that gave in the pass before.
        gated: whether it has a gate; if not, the four gate values are None.
        gate: now. Of several gates of a connection, all four values are those of the largest magnitude.
        start: before the first epoch.
        smallest: over all epochs, the start included.
        largest: likewise.
        share: its part of the feature maps that the target concatenates, or of those that a sum or a maximum has, 0
            to 1.
    """

    source: str
    target: str
    backward: bool
    gated: bool
    gate: float | None
    start: float | None
    smallest: float | None
    largest: float | None
    share: Fraction


class GateCounts(Part):
    """Where gates ended; of several gates of a connection the one of the largest magnitude counts.

    Attributes:
        gated_connections: how many there are.
        threshold: below it a gate counts as closed.
        closed: how many are.
        below: for each mark how many are below it.
        above: for each mark how many are above it.
    """

    gated_connections: Natural
    threshold: float
    closed: Natural
    below: dict[str, Natural]
    above: dict[str, Natural]

    @property
    def sentences(self) -> list[tuple[str, int]]:
        """`below 0.01` and how many are, the threshold first, and the other marks."""
        marks = [(mark, count) for mark, count in self.below.items() if float(mark) > self.threshold]
        return [
            *((f"below {mark}", count) for mark, count in ((f"{self.threshold:g}", self.closed), *marks)),
            *((f"above {mark}", count) for mark, count in self.above.items()),
        ]


class Likeness(Part):
    """How a wiring compares with a reference wiring of the same layers.

    Attributes:
        overlap: the weighted Jaccard index, Σ min / Σ max of the two wirings' weights over all connections there could
            be (Ružička 1958); 1 is the same.
        chance: its mean if the weights of the gated connections are dealt at random among these; without gates, all
            weights among all connections there could be. Dense wirings look the same however they are dealt.
    """

    overlap: Fraction
    chance: Fraction


class Wiring(Part):
    """What a wiring is like.

    Attributes:
        likeness: by the name of the reference wiring.
        mean_skip: how many places a connection goes forward, by weight; 1 is to the next layer.
        long_skips: the kept connections that go forward by four places or more, the longest first.
        sources: for each layer, the head included, how many kept connections it reads.
        targets: for each layer, the input included, how many kept connections read it.
        dead_layers: the layers that no kept path from the input to the head goes through.
        sentence: all this in one line.
    """

    likeness: dict[str, Likeness]
    mean_skip: float
    long_skips: tuple[str, ...]
    sources: dict[str, Natural]
    targets: dict[str, Natural]
    dead_layers: tuple[str, ...]
    sentence: str


class Inspection(Shown):
    """What `inspect` shows of one run, cut or architecture.

    Attributes:
        kind: what made it, or `architecture`.
        status: of the run; None of an architecture.
        path: of the run.
        connections: with and without gates.
        gated_connections: those with a gate.
        parameters: that are learned, gates included.
        macs: multiply-accumulates per image.
        gates: where they ended.
        targets: every layer and the head.
        connection_gates: every connection.
        wiring: what it is like; None of an architecture without gates.
        summary: of the run.
        architecture: as its YAML has it.
        history: where it was asked for, for each epoch the gate of each connection; epoch 0 is the start.
    """

    kind: Kind | Literal["architecture"]
    status: Status | None
    path: str | None
    connections: Natural
    gated_connections: Natural
    parameters: Natural
    macs: Natural
    gates: GateCounts | None
    targets: tuple[Target, ...]
    connection_gates: tuple[ConnectionGate, ...]
    wiring: Wiring | None
    summary: Summary | None
    architecture: dict[str, object]
    history: tuple[dict[str, int | float], ...] | None = None
