"""A cut in several rounds, with training in between."""

from typing import ClassVar, Literal

from connprune.documents.base import Document, Fraction, Natural, Part, Sparse


class RoundLimits(Sparse):
    """What a round leaves at most; a limit that there is not is left out.

    Attributes:
        keep: so many of the highest scores.
        parameters: so many parameters.
        macs: so many multiply-accumulates per image.
        seconds: so long a forward pass of one image.
    """

    keep: Natural | None = None
    parameters: Natural | None = None
    macs: Natural | None = None
    seconds: float | None = None


class RoundSettings(Part):
    """How a run is cut in rounds.

    Attributes:
        rule: what the last round comes to, in words.
        by: the importance criterion.
        granularity: whether connections are scored or their feature maps.
        layers_only: whether only whole layers are removed.
        settings: of the training between two rounds, `key=value` each; the rest is as the run has it.
        rounds: how many there are.
    """

    rule: str
    by: str
    granularity: Literal["connection", "feature-map"]
    layers_only: bool
    settings: tuple[str, ...]
    rounds: Natural


class RoundsDocument(Document):
    """What `rounds.json` holds, and `prune` plans with several rounds.

    Attributes:
        kind: what it is.
        path: the directory of the last cut; None of a dry run.
        parent: the directory of the run that is cut first.
        parent_digest: SHA-256 of its final weights.
        asked: how it is cut.
        limits: of each round.
        least_accuracy: on validation images, 0 to 1, that no cut may fall below; None if any will do.
    """

    paths: ClassVar[tuple[str, ...]] = ("path", "parent")

    kind: Literal["rounds"] = "rounds"
    path: str | None
    parent: str
    parent_digest: str
    asked: RoundSettings
    limits: tuple[RoundLimits, ...]
    least_accuracy: Fraction | None
