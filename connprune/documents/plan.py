"""What an experiment trains, written before its first training begins."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from connprune.documents.base import Document, Natural
from connprune.documents.comparison import CUT
from connprune.documents.run import ExperimentKind


class ExperimentPlan(Document):
    """The rows of the table, and the trainings behind each.

    Attributes:
        kind: of the experiment.
        identity: what tells it from another experiment: a digest of its networks, recipes, seeds and images.
        seeds: of the repetitions.
        rows: for each row the names of its networks, which are names of folders too.
    """

    kind: ExperimentKind
    identity: str
    seeds: Annotated[tuple[Natural, ...], Field(min_length=1)]
    rows: Annotated[dict[str, tuple[str, ...]], Field(min_length=1)]

    def seeds_of(self, row: str) -> tuple[int, ...]:
        """The seed of each repetition of a row's networks."""
        return self.seeds

    @property
    def names(self) -> list[str]:
        """Of all networks."""
        return [name for row in self.rows.values() for name in row]

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for name in self.names:
            # Nothing outside of the experiment may be reached through a name.
            if name in ("", "..") or Path(name).name != name or "\0" in name:
                raise ValueError(f"rows: found the name {name!r}, expected that of a folder")
        if not self.names:
            raise ValueError("rows: expected at least one network")
        return self


class ComparisonPlan(ExperimentPlan):
    """The plan of a comparison.

    Attributes:
        kind: `comparison`.
        cuts: what is compared, relative to the experiment's folder.
        rules: the rule of each cut.
        against: the baselines, as they were named.
        epochs: of every training.
        search_seeds: of several searches the seeds of each; empty where all have the same, as in earlier versions.
    """

    paths: ClassVar[tuple[str, ...]] = ("cuts",)

    kind: Literal["comparison"] = "comparison"
    cuts: Annotated[tuple[str, ...], Field(min_length=1)]
    rules: tuple[str, ...]
    against: tuple[str, ...]
    epochs: Natural
    search_seeds: tuple[tuple[Natural, ...], ...] = ()

    def seeds_of(self, row: str) -> tuple[int, ...]:
        """The seed of each repetition of a row's networks; of several searches a row begins with its number."""
        return self.search_seeds[int(row.partition("/")[0]) - 1] if self.search_seeds else self.seeds

    @model_validator(mode="after")
    def _check_cuts(self) -> Self:
        if len(self.rules) != len(self.cuts):
            raise ValueError(f"rules: found {len(self.rules)}, expected one for each of {len(self.cuts)} cuts")
        numbers = [str(number) for number in range(1, len(self.cuts) + 1)]
        wanted = {f"{number}/{CUT}" for number in numbers} if len(numbers) > 1 else {CUT}
        if self.search_seeds and [*map(len, self.search_seeds)] != [len(self.seeds)] * len(self.cuts):
            raise ValueError(f"search_seeds: expected {len(self.seeds)} for each of {len(self.cuts)} cuts")
        if not wanted <= set(self.rows):
            raise ValueError(f"rows: expected {', '.join(sorted(wanted))} among them")
        if len(numbers) > 1 and {row.partition("/")[0] for row in self.rows} != set(numbers):
            raise ValueError("rows: expected each to begin with the number of its cut")
        return self


class SweepPlan(ExperimentPlan):
    """The plan of a sweep.

    Attributes:
        kind: `sweep`.
        cells: for each network its label on each axis.
    """

    kind: Literal["sweep"] = "sweep"
    cells: dict[str, dict[str, str]]

    @model_validator(mode="after")
    def _check_cells(self) -> Self:
        if set(self.cells) != set(self.names):
            raise ValueError("cells: expected one for each network")
        return self
