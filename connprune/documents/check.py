"""Whether a file or a run is valid."""

from connprune.documents.base import Document, Natural, Part


class Mistake(Part):
    """One of them.

    Attributes:
        message: the sentence.
        file: where it is; None where the sentence names none.
        line: from 1.
        column: from 1.
    """

    message: str
    file: str | None
    line: Natural | None
    column: Natural | None


class Check(Document):
    """What `check` says.

    Attributes:
        kind: `configuration`, `architecture`, `sweep`, `YAML` that is none of these, or what made the run.
        path: of the file or the run.
        is_valid: whether there are no mistakes.
        mistakes: all of them.
        advice: what is hardly meant, a sentence for each.
        explained: with `--explain` the whole configuration with what set each value.
    """

    kind: str
    path: str
    is_valid: bool
    mistakes: tuple[Mistake, ...]
    advice: tuple[str, ...]
    explained: str | None = None
