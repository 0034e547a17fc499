"""Which rows of a list of runs are wanted and in which order, by their columns or by the settings of their runs."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from connprune.documents.lists import RunRow
from connprune.errors import UsageError
from connprune.names import nearest
from connprune.printable import printable
from connprune.runs.settings_of import settings_of, shown

_CONDITION = re.compile(r"\s*([^\s=<>!]+)\s*(!=|>=|<=|=|>|<)\s*(.*?)\s*", re.DOTALL)
_NUMBER = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(%?)")
_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
# What the table calls a column, where documents have a longer name.
_COLUMNS = {name: name for name in RunRow.model_fields} | {
    "run": "path",
    "validation": "validation_accuracy",
    "test": "test_accuracy",
    "from": "origin",
}


@dataclass(frozen=True)
class Condition:
    """What the value of a key has to be.

    Attributes:
        key: a column, or a key of the configuration like `training.optimizer.rate`.
        sign: one of `=`, `!=`, `>`, `<`, `>=`, `<=`.
        text: what it is compared with.
    """

    key: str
    sign: str
    text: str

    @classmethod
    def read(cls, text: str) -> "Condition":
        """What `KEY=VALUE` or `KEY>NUMBER` says; a number may be a percentage.

        Raises:
            UsageError: the text is no condition.
        """
        match = _CONDITION.fullmatch(text)
        if not match or (match[2] in _ORDERS and _number(match[3]) is None):
            raise UsageError(
                f"{printable(text[:60])!r}: expected KEY=VALUE, KEY!=VALUE or KEY>NUMBER (or <, >=, <=), like "
                "kind=train, test>98% or training.optimizer.rate<=0.001."
            )
        return cls(*match.groups())

    def holds(self, value: object) -> bool:
        """Whether it holds of a value; an order holds of numbers alone."""
        if self.sign in _ORDERS:
            number = _number(self.text)
            return _is_number(value) and number is not None and _ORDERS[self.sign](value, number)  # type: ignore[arg-type]
        return self._equals(value) == (self.sign == "=")

    def _equals(self, value: object) -> bool:
        number = _number(self.text)
        if _is_number(value) and number is not None:
            return value == number
        names = {shown(value)}
        if _COLUMNS.get(self.key) in ("path", "parent") and isinstance(value, str):
            names |= {Path(value).name, str(Path(value).absolute())}
        return self.text in names


def selected(
    rows: Sequence[RunRow],
    conditions: Iterable[Condition] = (),
    order: str | None = None,
    known: Callable[[], Iterable[str]] = tuple,
) -> list[RunRow]:
    """The rows of which all conditions hold.

    Args:
        rows: all of them.
        conditions: that have to hold.
        order: the key that they are sorted by, smallest first, or with `-` before it largest first; what has no such
            value comes last, and among equals what came first. None leaves them as they are.
        known: the keys of the configuration, for one that no run has set.

    Raises:
        UsageError: a key is neither a column nor a key that a run of these, or `known`, has; or an order is asked of
            one that holds no number anywhere.
    """
    values = _Values(rows, known)
    for condition in conditions:
        column = values.of(condition.key)
        held = [value for value in column.values() if value is not None]
        if condition.sign in _ORDERS and held and not any(map(_is_number, held)):
            raise UsageError(
                f"{condition.key}: {condition.sign} compares numbers, but this holds {shown(held[0])!r}; "
                "= and != compare text."
            )
        rows = [row for row in rows if condition.holds(column[row.path])]
    if order is None:
        return list(rows)
    column = values.of(order.removeprefix("-"))
    unknown = [row for row in rows if column[row.path] is None]
    there = [row for row in rows if column[row.path] is not None]
    return sorted(there, key=lambda row: _rank(column[row.path]), reverse=order.startswith("-")) + unknown


class _Values:
    """The values of keys, read once they are asked for."""

    def __init__(self, rows: Sequence[RunRow], known: Callable[[], Iterable[str]]) -> None:
        self._rows = rows
        self._known = known
        self._settings: dict[str, dict[str, object]] | None = None

    def of(self, key: str) -> dict[str, object]:
        """The value of a key in each row, by its path; None where it has none."""
        if key in _COLUMNS:
            return {row.path: getattr(row, _COLUMNS[key]) for row in self._rows}
        if self._settings is None:
            self._settings = {row.path: _readable_settings(Path(row.path)) for row in self._rows}
        there = {name for settings in self._settings.values() for name in settings}
        if key not in there and key not in (known := set(self._known())):
            hint = nearest(key, [*_COLUMNS, *sorted(there | known)])
            raise UsageError(
                f"{printable(key[:60])}: there is no such column, and no such key of the configuration"
                f"{f'; {hint}' if hint else ', like test or training.epochs.'}"
            )
        return {path: settings.get(key) for path, settings in self._settings.items()}


def _readable_settings(path: Path) -> dict[str, object]:
    """The settings of a run; none of what is no run, or damaged, which its row says."""
    try:
        return settings_of(path)
    except (UsageError, OSError):
        return {}


def _number(text: str) -> float | None:
    match = _NUMBER.fullmatch(text)
    return None if not match else float(match[1]) / (100 if match[2] else 1)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rank(value: object) -> tuple[bool, float, str]:
    """Numbers come before text."""
    return (False, value, "") if _is_number(value) else (True, 0, shown(value))  # type: ignore[return-value]
