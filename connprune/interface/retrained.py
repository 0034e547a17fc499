"""What a cut and its baselines gave."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.arguments import require
from connprune.documents.comparison import Comparison, Row
from connprune.errors import ArgumentError, UsageError
from connprune.mistakes import Mistake

if TYPE_CHECKING:
    import pandas


class Retrained:
    """A cut beside its baselines, each trained with every seed.

    Args:
        document: as `comparison.json` has it.
    """

    def __init__(self, document: Comparison) -> None:
        self.document = document

    @property
    def path(self) -> Path:
        """The directory of the comparison."""
        return Path(self.document.path)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The cut first, then a row for each baseline: accuracies, costs, and how far the cut is from it."""
        return self.document.rows

    @property
    def verdicts(self) -> tuple[str, ...]:
        """A sentence for each baseline."""
        return self.document.verdicts

    def to_pandas(self) -> "pandas.DataFrame":
        """A line for each row, without what is nested; accuracies 0 to 1.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise UsageError("to_pandas needs pandas, which is not installed: `pip install pandas`.") from error
        plain = [{key: value for key, value in row.plain().items() if _is_plain(value)} for row in self.rows]
        return pandas.DataFrame(plain).set_index("network")

    def __repr__(self) -> str:
        return "\n".join([f"Retrained({str(self.path)!r})", *self.verdicts])


def seed_numbers(seeds: int | Sequence[int], first: int) -> list[int]:
    """The seeds of a comparison.

    Args:
        seeds: how many, or which.
        first: where they begin if they are counted.

    Raises:
        UsageError: they are none, or one is there twice.
    """
    if isinstance(seeds, int):
        require("seeds", seeds, int, "a whole number from 1 upwards, or a list of seeds", lambda count: count >= 1)
        return list(range(first, first + seeds))
    numbers = list(seeds)
    for seed in numbers:
        require("seeds", seed, int, "a whole number from 1 upwards, or a list of seeds", lambda each: each >= 0)
    if not numbers or len(set(numbers)) < len(numbers):
        raise ArgumentError(Mistake(key="seeds", found=str(numbers), expected="at least one, and none twice"))
    return numbers


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)
