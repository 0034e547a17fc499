"""What a wiring grew to."""

from typing import ClassVar, Literal

from connprune.documents.base import Document, Natural, Part


class GrownNetwork(Part):
    """One network that grew.

    Attributes:
        network: `cut`, or the baseline.
        width: what the feature maps of its block are multiplied by in the first stage.
        layers: without the head.
        connections: with and without gates.
        parameters: that are learned, gates included.
        macs: multiply-accumulates per image.
    """

    network: str
    width: float
    layers: Natural
    connections: Natural
    parameters: Natural
    macs: Natural


class Growth(Document):
    """What `grow` makes.

    Attributes:
        kind: what it is.
        path: the file; None of one that was printed.
        cuts: the directories that the block is from.
        input: feature maps, height and width of an image.
        classes: how many.
        repeat: the copies of the block.
        sizes: height and width of each stage.
        networks: the cut first.
        text: the configuration, or with baselines the sweep, as YAML.
    """

    paths: ClassVar[tuple[str, ...]] = ("cuts",)

    kind: Literal["growth"] = "growth"
    path: str | None
    cuts: tuple[str, ...]
    input: tuple[Natural, Natural, Natural]
    classes: Natural
    repeat: Natural
    sizes: tuple[tuple[Natural, Natural], ...]
    networks: tuple[GrownNetwork, ...]
    text: str
