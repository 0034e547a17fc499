"""Whether a file or a directory is what it should be: every mistake at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connprune.architecture.files import from_yaml
from connprune.architecture.strict_yaml import parse
from connprune.documents.check import Check, Mistake
from connprune.errors import ConnpruneError, UsageError
from connprune.files import read_text
from connprune.runs.directory import RunDirectory
from connprune.training.advice import advice
from connprune.training.configuration import collect, design, validated
from connprune.training.origins import explained

# What only a configuration has.
_OF_CONFIGURATION = {"preset", "data", "training", "run"}
_OF_ARCHITECTURE = {"input", "classes", "layers", "connections"}


@dataclass(frozen=True)
class Found:
    """What a path turned out to be.

    Attributes:
        path: the file or the directory.
        kind: `configuration`, `architecture`, `sweep`, or what made the run.
        mistakes: a sentence for each; none if it is valid.
        advice: what a configuration may ask for and is hardly meant, a sentence for each.
        explained: a whole configuration with what set each value; None of anything else.
    """

    path: Path
    kind: str
    mistakes: list[str]
    advice: Sequence[str] = ()
    explained: str | None = None

    def document(self, explain: bool) -> Check:
        """What `check` says; with `explain` also the whole configuration."""
        return Check(
            kind=self.kind,
            path=str(self.path),
            is_valid=not self.mistakes,
            mistakes=tuple(_mistake(message, str(self.path)) for message in self.mistakes),
            advice=tuple(self.advice),
            explained=self.explained if explain else None,
        )


def check(path: Path) -> Found:
    """What a path is, and what is wrong with it.

    Raises:
        UsageError: there is nothing at this path, or a directory that is no run.
    """
    if path.is_dir():
        # It looks at weights; a configuration is checked without torch.
        from connprune.training.verify import mistakes_of_run

        run = RunDirectory.open(path)
        mistakes = mistakes_of_run(run)
        try:
            return Found(path, run.kind, mistakes)
        except UsageError:
            return Found(path, "run", mistakes)
    text = read_text(path)
    try:
        keys = set(parse(text, str(path)).data)
    except UsageError as error:
        return Found(path, "YAML", str(error).splitlines())
    kind = _kind(keys)
    found: list[str] = []
    explanation = None
    try:
        match kind:
            case "sweep":
                from connprune.experiments.sweep import read_sweep

                read_sweep(path)
            case "architecture":
                from_yaml(text, str(path))
            case _:
                layered = collect(config=path)
                configuration = validated(layered)
                architecture = design(configuration)
                found = list(advice(configuration, architecture))
                explanation = explained(configuration, architecture, layered)
    except ConnpruneError as error:
        lines = str(error).splitlines()
        # The first line only says that there are some.
        return Found(path, kind, lines[1:] if len(lines) > 1 and lines[0].endswith(f"is no valid {kind}.") else lines)
    return Found(path, kind, [], found, explanation)


def _kind(keys: set[str]) -> str:
    if "axes" in keys:
        return "sweep"
    return "architecture" if keys >= _OF_ARCHITECTURE and not keys & _OF_CONFIGURATION else "configuration"


def _mistake(message: str, path: str) -> Mistake:
    """A message about a path, with the file, the line and the column that it names."""
    # The path itself may hold what else ends the name of a file.
    file = rf"(?P<file>{re.escape(path)}|[^()]*?)"
    found = re.search(rf"{file}, line (?P<line>\d+)(?:, column (?P<column>\d+))?", message)
    if not found:
        return Mistake(message=message, file=None, line=None, column=None)
    column = found["column"]
    return Mistake(message=message, file=found["file"], line=int(found["line"]), column=int(column) if column else None)
