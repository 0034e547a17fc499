"""The candidates of a comparison: a cut and the baselines that were asked for."""

from collections.abc import Callable, Sequence
from pathlib import Path

from connprune.architecture.files import from_yaml
from connprune.documents.comparison import CUT
from connprune.errors import NoBaselineError, UsageError
from connprune.experiments.baselines import BASELINES, Baseline, of_cut, require_comparable
from connprune.experiments.compared import ComparedCut
from connprune.experiments.plan import Candidate
from connprune.files import read_text
from connprune.mistakes import Mistake
from connprune.names import nearest
from connprune.runs.directory import RunDirectory


def candidates_of(
    compared: ComparedCut, against: Sequence[str], warn: Callable[[str], None] = lambda text: None
) -> list[Candidate]:
    """The cut and its baselines; one that there is not is left out, so that the others can be compared.

    Args:
        compared: the cut's.
        against: names of baselines, with a number after a colon where there may be several; or paths of runs or of
            YAML files.
        warn: is told which was left out and why, a sentence.

    Raises:
        UsageError: a baseline is unknown or named twice, or none of those that are named can be made.
    """
    candidates = [of_cut(CUT, compared, compared.start)]
    left_out: list[str] = []
    for text in against:
        try:
            made = baseline_of(text).candidates(compared)
            if not made:
                raise NoBaselineError(f"baseline {text}: there is no wiring but the cut's.")
        except NoBaselineError as error:
            left_out.append(str(error))
            continue
        taken = {candidate.name for candidate in candidates}
        clash = next((candidate.name for candidate in made if candidate.name in taken), None)
        if clash:
            raise UsageError(f"baseline {text}: there is a {clash!r} already; name it once, or rename the file.")
        candidates += made
    if left_out and len(candidates) == 1:
        raise NoBaselineError("\n".join(left_out))
    for why in left_out:
        warn(f"left out: {why}")
    return candidates


def require_baselines(against: Sequence[str]) -> None:
    """Refuses names that stand for no baseline, before there is a cut to compare with them.

    Raises:
        UsageError: one is unknown, and no path either; or it is named twice.
    """
    for text in against:
        baseline_of(text)
    twice = next((text for text in against if against.count(text) > 1), None)
    if twice:
        raise UsageError(f"baseline {twice}: it is named twice.")


def baseline_of(text: str) -> Baseline:
    """The baseline that is asked for by this text.

    Raises:
        UsageError: it is unknown, and no path either; or what stands after its name is not what the baseline takes.
    """
    name, colon, after = text.partition(":")
    if name in BASELINES and (not colon or BASELINES[name].takes):
        return BASELINES[name](text, after if colon else None)
    if Path(text).exists():
        return _Other(text)
    known = ", ".join(f"{name}:N" if baseline.takes == "N" else name for name, baseline in BASELINES.items())
    expected = f"one of {known}, or the path of a run or an architecture's YAML"
    raise UsageError(Mistake(key=f"baseline {text}", expected=expected, hint=nearest(name, BASELINES)))


class _Other(Baseline):
    """The wiring of another run, cut or YAML file."""

    def candidates(self, compared: ComparedCut) -> list[Candidate]:
        path = Path(self.text)
        given = RunDirectory.open(path).architecture() if path.is_dir() else from_yaml(read_text(path), str(path))
        architecture = given.without_gates()
        require_comparable(self.text, architecture, compared.pair)
        name = path.resolve().name.removesuffix(".yaml")
        if name == CUT or name in BASELINES:
            name = f"other-{name}"
        return [Candidate(name, name, architecture, compared.configuration)]
