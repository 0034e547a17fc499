"""Which connection patterns recur in cuts."""

from typing import ClassVar, Literal

from connprune.documents.base import Natural, Part, Shown


class PatternRow(Part):
    """How often a pattern is kept, beside random live wirings of as many connections as each cut has.

    Attributes:
        source: kind of the source; `input` is the input.
        target: kind of the target; `head` is the head.
        distance: how many layers the target is behind the source.
        kept: by how many connections of the cuts.
        possible: how many the networks that were searched have.
        chance: the mean number in random wirings.
        chance_low: the lower end of the interval that holds 95% of these.
        chance_high: the upper end.
        verdict: whether it is kept more or less often than that interval allows.
        targets: in how many different targets it is kept.
        stages: of how many different heights and widths these are.
        searches: in how many cuts it is kept.
    """

    source: str
    target: str
    distance: int
    kept: Natural
    possible: Natural
    chance: float
    chance_low: Natural
    chance_high: Natural
    verdict: Literal["more", "less", "as chance"]
    targets: Natural
    stages: Natural
    searches: Natural


class Patterns(Shown):
    """Which patterns of connections recur in cuts.

    Attributes:
        kind: what it is.
        runs: the directories of the cuts.
        method: how chance is found, in words.
        rows: a pattern each, those that are kept most above chance first.
    """

    paths: ClassVar[tuple[str, ...]] = ("runs",)

    kind: Literal["patterns"] = "patterns"
    runs: tuple[str, ...]
    method: str
    rows: tuple[PatternRow, ...]
