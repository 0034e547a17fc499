"""Whether a file or a run is valid."""

from connprune.documents.base import Document, Natural, Part


class Mistake(Part):
    """One of them.

    Attributes:
        message: the sentence.
        file: that it is in; None where it is in none, or only the sentence names it.
        line: from 1.
        column: from 1.
        key: of the configuration, with dots between.
        found: what is there.
        expected: what may be there.
        hint: what to do about it.
    """

    message: str
    file: str | None
    line: Natural | None
    column: Natural | None
    key: str | None
    found: str | None
    expected: str | None
    hint: str | None


class Check(Document):
    """What `check` says.

    Attributes:
        kind: `configuration`, `architecture`, `sweep`, `YAML` that is none of these, or what made the run.
        path: of the file or the run.
        is_valid: whether there are no mistakes.
        mistakes: all of them.
        advice: what is hardly meant, a sentence for each.
        explained: the whole configuration with what set each value, where that was asked for.
    """

    kind: str
    path: str
    is_valid: bool
    mistakes: tuple[Mistake, ...]
    advice: tuple[str, ...]
    explained: str | None = None
