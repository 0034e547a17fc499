"""What commands say: data to stdout, everything else to stderr."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from connprune.cli.cells import cell
from connprune.cli.streams import readable
from connprune.printable import visible

if TYPE_CHECKING:
    from connprune.documents.base import Document

T = TypeVar("T")


def say(text: str) -> None:
    """Prints to stderr, the one place that does: whatever names are in a message, a terminal obeys none of them."""
    print(visible(text), file=sys.stderr)


def tell(error: str) -> None:
    """Says why the command ends, and which of several processes says it; nothing if there is nothing to say."""
    rank = os.environ.get("RANK", "0")
    where = f" (process {rank})" if rank != "0" else ""
    if error:
        say(f"Error{where}: {error}")


def as_text(document: Mapping[str, object]) -> str:
    """A document as indented JSON."""
    import json

    # Of all that a terminal might obey, JSON leaves this one character as it is.
    return json.dumps(document, indent=2, allow_nan=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class Output:
    """Where a command's words go.

    Attributes:
        as_json: the result is one JSON document, not a path or a table.
        quiet: nothing but the result and warnings.
    """

    as_json: bool = False
    quiet: bool = False

    def result(self, line: str, document: "Document | None" = None) -> None:
        """The command's product: one line, or with --json the document.

        A path goes to another program as it is, but to a terminal as it can be shown.
        """
        if self.as_json and document is not None:
            line = as_text(document.plain())
        elif sys.stdout.isatty():
            line = visible(line)
        print(line, flush=True)

    def plan(self, document: "Document") -> None:
        """What a dry run would have done: a document with --json, else only a note, since nothing was made."""
        if self.as_json:
            self.result("", document)
        else:
            self.note("nothing was written (--dry-run)")

    def table(
        self, text: str, rows: Sequence[Mapping[str, object]], document: "Document", as_csv: bool = False
    ) -> None:
        """A table that is the command's product: for a person, or with --json the document, or as CSV."""
        if as_csv:
            import csv

            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(map(cell, rows[0]))
            writer.writerows(map(cell, row.values()) for row in rows)
        else:
            self.result(readable(visible(text)), document)

    def drawn(self, figures: Sequence[Path]) -> dict[str, tuple[str, ...]]:
        """Says which figures were written, and returns what a document has of them."""
        self.note(f"figures: {', '.join(map(str, figures))}")
        return {"figures": tuple(map(str, figures))}

    def note(self, text: str) -> None:
        """Something for a person to read."""
        if not self.quiet:
            say(text)

    def warning(self, text: str) -> None:
        """Something that a person should know even if they asked for quiet."""
        say(f"Warning: {text}")

    def progress(self, items: Iterable[T], label: str, total: int) -> Iterable[T]:
        """Passes items on under a progress bar, if a person is watching."""
        if self.quiet or not sys.stderr.isatty():
            self.note(label)
            return items
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import track

        return track(items, escape(visible(label)), total, console=Console(stderr=True), transient=True)


class Silenced(Output):
    """The words of a process whose work another one speaks for."""

    def __init__(self) -> None:
        super().__init__(quiet=True)

    def result(self, line: str, document: "Document | None" = None) -> None:
        """Says nothing."""

    def warning(self, text: str) -> None:
        """Says nothing."""
