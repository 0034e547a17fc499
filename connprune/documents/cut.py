"""A cut."""

from typing import ClassVar, Literal

from connprune.documents.base import Document, Fraction, Natural, Part
from connprune.documents.size import Evaluated, Size


class Latency(Part):
    """How long a forward pass takes, the median of both networks in turns.

    Attributes:
        batch: for how many images at once.
        device: on which device.
        before_seconds: the parent.
        after_seconds: the cut.
    """

    batch: Natural
    device: str
    before_seconds: float
    after_seconds: float


class CutDocument(Document):
    """What `prune` makes, and `cut.json` holds.

    Attributes:
        kind: what it is.
        path: the directory of the cut; None of a dry run.
        parent: the directory of the run that was cut.
        parent_digest: SHA-256 of its final weights.
        ancestry: the runs that it was cut from, the first training first, the parent last.
        data_digest: of the images.
        classes: their names, by number.
        by: the importance criterion.
        granularity: whether connections were scored or their feature maps.
        rule: what was cut, in words.
        chosen: the connections, or feature maps of connections, that the rule chose.
        followed: connections that went because nothing reached them or nothing read them any more.
        removed_layers: layers that went.
        epochs: of the parent's training; None if it is a cut.
        training_seconds: likewise.
        wall_seconds: likewise.
        before: the parent.
        after: the cut, with the parent's weights.
        latency: of both; None unless the cut was to be down to one.
        rounds: the cuts of the rounds before it, the first one first; there are none unless it was cut in rounds.
    """

    paths: ClassVar[tuple[str, ...]] = ("path", "parent", "ancestry", "rounds")

    kind: Literal["cut"] = "cut"
    path: str | None
    parent: str
    parent_digest: str
    ancestry: tuple[str, ...]
    data_digest: str
    classes: tuple[str, ...]
    by: str
    granularity: Literal["connection", "feature-map"]
    rule: str
    chosen: tuple[str, ...]
    followed: tuple[str, ...]
    removed_layers: tuple[str, ...]
    epochs: Natural | None
    training_seconds: float | None
    wall_seconds: float | None
    before: Evaluated
    after: Evaluated
    latency: Latency | None = None
    rounds: tuple[str, ...] = ()


class Thresholded(Part):
    """Of a threshold.

    Attributes:
        threshold: scores below it are cut.
    """

    threshold: float


class ThresholdRow(Size, Thresholded):
    """What a threshold would leave, with the parent's weights.

    Attributes:
        validation_loss: on validation images.
        validation_accuracy: likewise, 0 to 1.
    """

    validation_loss: float
    validation_accuracy: Fraction


class Thresholds(Document):
    """What a range of thresholds would leave.

    Attributes:
        kind: what it is.
        parent: the directory of the run.
        by: the importance criterion.
        rows: by rising threshold, the last is the largest that leaves a path.
    """

    kind: Literal["thresholds"] = "thresholds"
    parent: str
    by: str
    rows: tuple[ThresholdRow, ...]
