"""What is wrong with an argument, a key or a file, as data; here and nowhere else it becomes a sentence."""

from dataclasses import dataclass

TOLD_AT_MOST = 20


@dataclass(frozen=True)
class Mark:
    """Where a value was set.

    Attributes:
        file: the name of the file; None of what was written on the command line.
        line: from 1.
        column: from 1.
        source: the text of that line, or what was written on the command line.
    """

    file: str | None = None
    line: int | None = None
    column: int | None = None
    source: str = ""

    @property
    def origin(self) -> str:
        """The line of the file, or what was written on the command line."""
        if self.file is None:
            return self.source
        return self.file if self.line is None else f"{self.file}, line {self.line}"

    def __str__(self) -> str:
        if self.file is None:
            return f"command line: `{self.source}`" if self.source else ""
        column = "" if self.column is None else f", column {self.column}"
        return f"{self.origin}{column}{f': `{self.source}`' if self.source else ''}"


NOWHERE = Mark()


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong with what a user gave.

    Attributes:
        problem: what is wrong, in words: a whole sentence, or its part beside `found`, `expected` and `hint`; empty
            where these say it all.
        key: the key of a configuration, with dots between, or the name of an argument.
        found: what is there, as a message shows it.
        expected: what may be there.
        hint: what to do about it.
        mark: where it is.
    """

    problem: str = ""
    key: str | None = None
    found: str | None = None
    expected: str | None = None
    hint: str | None = None
    mark: Mark = NOWHERE

    @property
    def file(self) -> str | None:
        """The file that it is in; None where it is in none."""
        return self.mark.file

    @property
    def line(self) -> int | None:
        """From 1."""
        return self.mark.line

    @property
    def column(self) -> int | None:
        """From 1."""
        return self.mark.column

    @property
    def message(self) -> str:
        """The sentence: what is wrong, with what, and where."""
        found = f"found {self.found}" if self.found else ""
        expected = f"expected {self.expected}" if self.expected else ""
        if self.problem:
            parts = [f"{found}, but {self.problem}" if found else self.problem, expected, self.hint]
        else:
            parts = [", ".join(part for part in (found, expected) if part), self.hint]
        sentence = "; ".join(part for part in parts if part)
        sentence += "" if sentence == self.problem or sentence.endswith("?") else "."
        where = str(self.mark)
        if self.key:
            sentence = f"{self.key}: {sentence}"
        elif where and not self.mark.source:
            return f"{where}: {sentence}"
        return f"{sentence} ({where})" if where else sentence

    def __str__(self) -> str:
        return self.message


def few(mistakes: list[Mistake], count: int) -> tuple[Mistake, ...]:
    """The first of so many mistakes, and one that says how many more there are."""
    more = [Mistake(f"{count - TOLD_AT_MOST:,} more mistakes.")] if count > TOLD_AT_MOST else []
    return (*mistakes[:TOLD_AT_MOST], *more)
