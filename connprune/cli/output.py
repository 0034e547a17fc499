"""What commands say: data to stdout, everything else to stderr."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Output:
    """Where a command's words go.

    Attributes:
        as_json: the result is one JSON document, not a path or a table.
        quiet: nothing but the result and warnings.
    """

    as_json: bool = False
    quiet: bool = False

    def result(self, line: str, document: Mapping[str, Any]) -> None:
        """The command's product: one line, or with --json the document."""
        print(json.dumps(document, indent=2, allow_nan=False) if self.as_json else line, flush=True)

    def plan(self, document: Mapping[str, Any]) -> None:
        """What a dry run would have done: a document with --json, else only a note, since nothing was made."""
        if self.as_json:
            self.result("", document)
        else:
            self.note("nothing was written (--dry-run)")

    def table(
        self, text: str, rows: Sequence[Mapping[str, Any]], document: Mapping[str, Any], as_csv: bool = False
    ) -> None:
        """A table that is the command's product: for a person, or with --json the document, or as CSV."""
        if as_csv:
            writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        else:
            self.result(text, document)

    def drawn(self, figures: Sequence[Path]) -> dict[str, list[str]]:
        """Says which figures were written, and returns what a document has of them."""
        self.note(f"figures: {', '.join(map(str, figures))}")
        return {"figures": [str(path) for path in figures]}

    def note(self, text: str) -> None:
        """Something for a person to read."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def warning(self, text: str) -> None:
        """Something that a person should know even if they asked for quiet."""
        print(f"Warning: {text}", file=sys.stderr)

    def track(self, items: Iterable[T], label: str, total: int) -> Iterable[T]:
        """Passes items on under a progress bar, if a person is watching."""
        if self.quiet or not sys.stderr.isatty():
            self.note(label)
            return items
        from rich.console import Console
        from rich.progress import track

        return track(items, label, total, console=Console(stderr=True), transient=True)


class Silenced(Output):
    """The words of a process whose work another one speaks for."""

    def __init__(self) -> None:
        super().__init__(quiet=True)

    def result(self, line: str, document: Mapping[str, Any]) -> None:
        """Says nothing."""

    def warning(self, text: str) -> None:
        """Says nothing."""
