"""What two runs differ in, and what was removed."""

from typing import Literal

from connprune.documents.base import Document, Natural
from connprune.documents.base import Part as PartOfDocument

Part = Literal["run", "setting", "count", "result"]


class Difference(PartOfDocument):
    """A value that differs; None where a run has none.

    Attributes:
        part: whether it is of the run itself, its configuration, the counts of its network, or its results.
        key: what it is, as the configuration, the summary or a cut's document calls it.
        first: of the first run.
        second: of the second.
    """

    part: Part
    key: str
    first: object = None
    second: object = None


class RunDifferences(Document):
    """What `runs diff` prints.

    Attributes:
        kind: what it is.
        first: a run's directory.
        second: another's.
        differences: the values that differ, none of them of the clock.
    """

    kind: Literal["run-differences"] = "run-differences"
    first: str
    second: str
    differences: tuple[Difference, ...]


class RemovedRuns(Document):
    """What `runs rm` prints.

    Attributes:
        kind: what it is.
        removed: the directories that are gone.
        bytes: that their files took.
    """

    kind: Literal["removed-runs"] = "removed-runs"
    removed: tuple[str, ...]
    bytes: Natural
