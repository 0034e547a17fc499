"""Whether a file or a directory is what it should be: every mistake at once."""

from collections.abc import Sequence
from pathlib import Path

from connprune.architecture.files import from_yaml
from connprune.architecture.strict_yaml import parse
from connprune.documents.check import Check
from connprune.documents.check import Mistake as Told
from connprune.errors import ConnpruneError, UsageError
from connprune.files import read_text
from connprune.mistakes import Mistake
from connprune.training.advice import advice
from connprune.training.configuration import design, on_starting_point, validated

# What only a configuration has.
_OF_CONFIGURATION = {"preset", "data", "training", "run"}
_OF_ARCHITECTURE = {"input", "classes", "layers", "connections"}


def check(path: Path, explain: bool = False) -> Check:
    """What a path is, and what is wrong with it; of a configuration also what it may ask for and is hardly meant.

    Args:
        path: of the file or the run.
        explain: whether to say of a configuration what set each value.

    Raises:
        UsageError: there is nothing at this path, or a directory that is no run.
    """
    if path.is_dir():
        # It looks at weights; a configuration is checked without torch.
        from connprune.runs.directory import RunDirectory
        from connprune.training.verify import mistakes_of_run

        run = RunDirectory.open(path)
        mistakes = mistakes_of_run(run)
        try:
            return _checked(path, run.kind, mistakes)
        except UsageError:
            return _checked(path, "run", mistakes)
    text = read_text(path)
    try:
        document = parse(text, str(path))
    except UsageError as error:
        return _checked(path, "YAML", error.mistakes)
    kind = _kind(set(document.data))
    try:
        match kind:
            case "sweep":
                from connprune.experiments.sweep import sweep_of

                sweep_of(document)
            case "architecture":
                from_yaml(text, str(path))
            case _:
                layered = on_starting_point(document)
                configuration = validated(layered)
                architecture = design(configuration)
                if explain:
                    from connprune.training.origins import explained
                return Check(
                    kind=kind,
                    path=str(path),
                    is_valid=True,
                    mistakes=(),
                    advice=tuple(advice(configuration, architecture)),
                    explained=explained(configuration, architecture, layered) if explain else None,
                )
    except ConnpruneError as error:
        return _checked(path, kind, error.mistakes)
    return _checked(path, kind, ())


def _kind(keys: set[str]) -> str:
    if "axes" in keys:
        return "sweep"
    return "architecture" if keys >= _OF_ARCHITECTURE and not keys & _OF_CONFIGURATION else "configuration"


def _checked(path: Path, kind: str, mistakes: Sequence[Mistake]) -> Check:
    told = tuple(Told.model_validate(mistake, from_attributes=True) for mistake in mistakes)
    return Check(kind=kind, path=str(path), is_valid=not told, mistakes=told, advice=())
