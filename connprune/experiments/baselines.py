"""Who is compared: a cut and its baselines as the candidates of an experiment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from connprune.architecture import baselines, equal_cost
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.architecture.baselines import Pair
from connprune.architecture.files import from_yaml
from connprune.architecture.strict_yaml import shown
from connprune.documents.comparison import CUT
from connprune.errors import NoBaselineError, UsageError
from connprune.experiments.plan import Candidate, require_few
from connprune.files import read_text
from connprune.mistakes import Mistake
from connprune.names import nearest
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, configuration_in, read_configuration, with_recipe


@dataclass(frozen=True)
class ComparedCut:
    """What the baselines of a cut have in common.

    Attributes:
        cut: the cut.
        configuration: recipe and data.
        parent: the configuration of the training that the cut came from, before any cut.
        pair: parent and cut as architectures without gates.
    """

    cut: RunDirectory
    configuration: Configuration
    parent: Configuration
    pair: Pair

    @classmethod
    def of(cls, cut: RunDirectory, epochs: int | None, seed: int | None) -> "ComparedCut":
        """What a cut and its baselines have in common.

        Raises:
            UsageError: the cut's files are damaged, or were written before cuts kept their parent's configuration.
        """
        if not cut.parent.is_file():
            raise UsageError(f"{cut.path}: this cut has no {cut.parent.name}; make it again with `connprune prune`.")
        configuration = with_recipe(read_configuration(cut), epochs=epochs, seed=seed)
        parent = with_recipe(configuration_in(cut, cut.parent), epochs=epochs, seed=seed)
        given = cut.architecture()
        full = parent.architecture_for(Shape(**given.input.model_dump()), given.classes)
        pair = Pair(full.without_gates(), given.without_gates(), configuration.training.seed)
        return cls(cut, configuration, parent, pair)


def _of_architectures(make: Callable[[Pair, int], list[Architecture]], name: str) -> "_Maker":
    def candidates(compared: ComparedCut, count: int) -> list[Candidate]:
        found = make(compared.pair, count)
        width = len(str(len(found)))
        names = [name] if len(found) == 1 else [f"{name}-{number:0{width}}" for number in range(1, len(found) + 1)]
        return [
            Candidate(name, each, architecture, compared.configuration)
            for each, architecture in zip(names, found, strict=True)
        ]

    return candidates


def _parent(compared: ComparedCut, count: int) -> list[Candidate]:
    gates = compared.parent.gates
    return [Candidate("parent", "parent", compared.pair.parent.replace(gates=gates), compared.parent)]


def _finetune(compared: ComparedCut, count: int) -> list[Candidate]:
    """The cut goes on from its parent's weights and gates; the gates are no longer penalised or drawn."""
    architecture = compared.cut.architecture()
    if architecture.gates:
        architecture = architecture.replace(gates=architecture.gates.decided())
    weights = compared.cut.final_weights()
    return [Candidate("finetune", "finetune", architecture, compared.configuration, weights=weights)]


def _evolution(compared: ComparedCut, count: int) -> list[Candidate]:
    return [Candidate("evolution", "evolution", compared.pair.parent, compared.configuration, "evolution", count)]


def _alone(make: Callable[[Pair], list[Architecture]]) -> Callable[[Pair, int], list[Architecture]]:
    return lambda pair, count: make(pair)


_Maker = Callable[[ComparedCut, int], list[Candidate]]
# Baselines by name; those in the second table take a number after a colon, those in the third what they are fitted to.
BASELINES: dict[str, _Maker] = {
    "parent": _parent,
    "dense": _of_architectures(_alone(baselines.dense), "dense"),
    "chain": _of_architectures(_alone(baselines.reference("chain")), "chain"),
    "residual": _of_architectures(_alone(baselines.reference("residual")), "residual"),
    "finetune": _finetune,
    "all": _of_architectures(_alone(baselines.every), "all"),
}
COUNTED_BASELINES: dict[str, _Maker] = {
    "random": _of_architectures(baselines.random, "random"),
    "random-params": _of_architectures(baselines.random_params, "random-params"),
    "random-cost": _of_architectures(equal_cost.random_cost, "random-cost"),
    "evolution": _evolution,
}
SCALED_BASELINES: dict[str, dict[str, _Maker]] = {
    f"{name}-scaled": {
        fitted: _of_architectures(_alone(equal_cost.scaled(name, fitted)), f"{name}-scaled-{fitted}")
        for fitted in equal_cost.FITTED
    }
    for name in ("dense", "chain", "residual")
}
NAMES = (*BASELINES, *COUNTED_BASELINES, *SCALED_BASELINES)


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
    found = [Candidate(CUT, CUT, compared.pair.cut, compared.configuration)]
    left_out: list[str] = []
    for text in against:
        try:
            made = _maker(text)(compared)
            if not made:
                raise NoBaselineError(f"baseline {text}: there is no wiring but the cut's.")
        except NoBaselineError as error:
            left_out.append(str(error))
            continue
        taken = {candidate.name for candidate in found}
        clash = next((candidate.name for candidate in made if candidate.name in taken), None)
        if clash:
            raise UsageError(f"baseline {text}: there is a {clash!r} already; name it once, or rename the file.")
        found += made
    if left_out and len(found) == 1:
        raise NoBaselineError("\n".join(left_out))
    for why in left_out:
        warn(f"left out: {why}")
    return found


def require_baselines(against: Sequence[str]) -> None:
    """Refuses names that stand for no baseline, before there is a cut to compare with them.

    Raises:
        UsageError: one is unknown, and no path either; or it is named twice.
    """
    for text in against:
        _maker(text)
    twice = next((text for text in against if against.count(text) > 1), None)
    if twice:
        raise UsageError(f"baseline {twice}: it is named twice.")


def _maker(text: str) -> Callable[[ComparedCut], list[Candidate]]:
    """What makes the baselines of this name for a cut.

    Raises:
        UsageError: it is unknown, and no path either.
    """
    name, colon, number = text.partition(":")
    if name in BASELINES and not colon:
        return lambda compared: BASELINES[name](compared, 1)
    if name in COUNTED_BASELINES:
        if colon and not (number.isdecimal() and len(number) <= 18 and int(number) > 0):
            raise UsageError(f"baseline {shown(text)}: expected a number from 1 upwards after the colon.")
        if name == "evolution" and (not colon or int(number) < 2):
            raise UsageError(f"baseline {text}: expected how many trainings it may take, like evolution:50.")
        count = int(number) if colon else 1
        require_few(f"baseline {text}", count)
        return lambda compared: COUNTED_BASELINES[name](compared, count)
    if name in SCALED_BASELINES:
        wanted = number if colon else "params"
        if wanted not in SCALED_BASELINES[name]:
            counts = SCALED_BASELINES[name]
            expected = f"{' or '.join(counts)} after the colon"
            raise UsageError(Mistake(key=f"baseline {text}", expected=expected, hint=nearest(wanted, counts)))
        return lambda compared: SCALED_BASELINES[name][wanted](compared, 1)
    path = Path(text)
    if path.exists():
        return lambda compared: [_other(compared, path)]
    known = ", ".join([*BASELINES, *(f"{name}:N" for name in COUNTED_BASELINES), *SCALED_BASELINES])
    expected = f"one of {known}, or the path of a run or an architecture's YAML"
    raise UsageError(Mistake(key=f"baseline {text}", expected=expected, hint=nearest(name, NAMES)))


def _other(compared: ComparedCut, path: Path) -> Candidate:
    """The wiring of another run, cut or YAML file."""
    given = RunDirectory.open(path).architecture() if path.is_dir() else from_yaml(read_text(path), str(path))
    architecture = given.without_gates()
    ours = compared.pair.parent
    if (architecture.input, architecture.classes) != (ours.input, ours.classes):
        raise UsageError(f"baseline {path}: it is for other images or classes than the cut.")
    name = path.resolve().name.removesuffix(".yaml")
    if name in (CUT, *NAMES):
        name = f"other-{name}"
    return Candidate(name, name, architecture, compared.configuration)
