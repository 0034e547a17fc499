"""What two runs differ in: their settings, the counts of their networks, and their results."""

from collections.abc import Iterator

from connprune.documents.cut import CutDocument
from connprune.documents.differences import Difference, Part, RunDifferences
from connprune.documents.run import Summary
from connprune.documents.size import Evaluated, Size
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.runs.settings_of import settings_of

_OF_THE_RUN = ("kind", "status", "origin", "start", "data", "values", "data_digest", "classes", "epochs")
_RULE = ("rule", "by", "granularity")
_COUNTS = ("gated_connections", *Size.model_fields)
_RESULTS = tuple(name for name in Evaluated.model_fields if name not in Size.model_fields)


def differences(first: RunDirectory, second: RunDirectory) -> RunDifferences:
    """What two runs differ in; what the clock says is left out, as it differs always.

    Raises:
        UsageError: a file of theirs is damaged.
    """
    values = [dict(_values(run)) for run in (first, second)]
    keys = dict.fromkeys(key for each in values for key in each)
    rows = [
        Difference(part=part, key=key, first=values[0].get((part, key)), second=values[1].get((part, key)))
        for part, key in keys
        if values[0].get((part, key)) != values[1].get((part, key))
    ]
    order = ("run", "setting", "count", "result")
    rows.sort(key=lambda row: order.index(row.part))
    return RunDifferences(first=str(first.path), second=str(second.path), differences=tuple(rows))


def _values(run: RunDirectory) -> Iterator[tuple[tuple[Part, str], object]]:
    summary = run.summary
    cut = read_cut(run) if summary.kind == "cut" else None
    for key in _OF_THE_RUN:
        yield ("run", key), _plain(summary, key)
    for key in _RULE if cut else ():
        yield ("run", key), _plain(cut, key)
    for key, value in settings_of(run.path).items():
        yield ("setting", key), value
    for key in _COUNTS:
        yield ("count", key), _plain(cut.after if cut else summary, key)
    yield from _results(summary, cut)


def _results(summary: Summary, cut: CutDocument | None) -> Iterator[tuple[tuple[Part, str], object]]:
    yield ("result", "gates_closed"), summary.gates_closed
    for key in _RESULTS:
        yield ("result", key), _plain(cut.after if cut else summary.final, key)
    for key in ("epoch", *_RESULTS):
        yield ("result", f"best.{key}"), _plain(summary.best, key)


def _plain(document: object, key: str) -> object:
    value = getattr(document, key, None)
    return list(value) if isinstance(value, tuple) else value
