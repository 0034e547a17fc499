"""Who is compared: a cut and its rivals as the members of an experiment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from connprune.architecture import equal_cost, rivals
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.architecture.files import from_yaml
from connprune.architecture.rivals import Contest
from connprune.architecture.strict_yaml import shown
from connprune.documents.comparison import CUT
from connprune.errors import NoBaselineError, UsageError
from connprune.experiments.plan import Member, require_few
from connprune.files import read_text
from connprune.names import nearest
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, configuration_in, read_configuration, with_recipe


@dataclass(frozen=True)
class Setting:
    """What the rivals of a cut have in common.

    Attributes:
        cut: the cut.
        configuration: recipe and data.
        parent: the configuration of the training that the cut came from, before any cut.
        contest: parent and cut as architectures without gates.
    """

    cut: RunDirectory
    configuration: Configuration
    parent: Configuration
    contest: Contest

    @classmethod
    def of(cls, cut: RunDirectory, epochs: int | None, seed: int | None) -> "Setting":
        """The setting of a cut.

        Raises:
            UsageError: the cut's files are damaged, or were written before cuts kept their parent's configuration.
        """
        if not cut.parent.is_file():
            raise UsageError(f"{cut.path}: this cut has no {cut.parent.name}; make it again with `connprune prune`.")
        configuration = with_recipe(read_configuration(cut), epochs=epochs, seed=seed)
        parent = with_recipe(configuration_in(cut, cut.parent), epochs=epochs, seed=seed)
        given = cut.architecture()
        full = parent.architecture_for(Shape(**given.input.model_dump()), given.classes)
        contest = Contest(full.without_gates(), given.without_gates(), configuration.training.seed)
        return cls(cut, configuration, parent, contest)


def _of_architectures(make: Callable[[Contest, int], list[Architecture]], name: str) -> "_Maker":
    def members(setting: Setting, count: int) -> list[Member]:
        found = make(setting.contest, count)
        width = len(str(len(found)))
        names = [name] if len(found) == 1 else [f"{name}-{number:0{width}}" for number in range(1, len(found) + 1)]
        return [
            Member(name, each, architecture, setting.configuration)
            for each, architecture in zip(names, found, strict=True)
        ]

    return members


def _parent(setting: Setting, count: int) -> list[Member]:
    gates = setting.parent.gates
    return [Member("parent", "parent", setting.contest.parent.replace(gates=gates), setting.parent)]


def _finetune(setting: Setting, count: int) -> list[Member]:
    """The cut goes on from its parent's weights and gates; the gates are no longer pressed or drawn."""
    architecture = setting.cut.architecture()
    if architecture.gates:
        architecture = architecture.replace(gates=architecture.gates.decided())
    weights = setting.cut.final_weights()
    return [Member("finetune", "finetune", architecture, setting.configuration, weights=weights)]


def _evolution(setting: Setting, count: int) -> list[Member]:
    return [Member("evolution", "evolution", setting.contest.parent, setting.configuration, "evolution", count)]


def _alone(make: Callable[[Contest], list[Architecture]]) -> Callable[[Contest, int], list[Architecture]]:
    return lambda contest, count: make(contest)


_Maker = Callable[[Setting, int], list[Member]]
# Rivals by name; those in the second table take a number after a colon, those in the third what they are fitted to.
RIVALS: dict[str, _Maker] = {
    "parent": _parent,
    "dense": _of_architectures(_alone(rivals.dense), "dense"),
    "chain": _of_architectures(_alone(rivals.reference("chain")), "chain"),
    "residual": _of_architectures(_alone(rivals.reference("residual")), "residual"),
    "finetune": _finetune,
    "all": _of_architectures(_alone(rivals.every), "all"),
}
COUNTED_RIVALS: dict[str, _Maker] = {
    "random": _of_architectures(rivals.random, "random"),
    "random-params": _of_architectures(rivals.random_params, "random-params"),
    "random-cost": _of_architectures(equal_cost.random_cost, "random-cost"),
    "evolution": _evolution,
}
SCALED_RIVALS: dict[str, dict[str, _Maker]] = {
    f"{name}-scaled": {
        fitted: _of_architectures(_alone(equal_cost.scaled(name, fitted)), f"{name}-scaled-{fitted}")
        for fitted in equal_cost.FITTED
    }
    for name in ("dense", "chain", "residual")
}
NAMES = (*RIVALS, *COUNTED_RIVALS, *SCALED_RIVALS)


def members(setting: Setting, against: Sequence[str], warn: Callable[[str], None] = lambda text: None) -> list[Member]:
    """The cut and its rivals; one that there is not is left out, so that the others can be compared.

    Args:
        setting: the cut's.
        against: names of rivals, with a number after a colon where there may be several; or paths of runs or of
            YAML files.
        warn: is told which was left out and why, a sentence.

    Raises:
        UsageError: a rival is unknown or named twice, or none of those that are named can be made.
    """
    found = [Member(CUT, CUT, setting.contest.cut, setting.configuration)]
    left_out: list[str] = []
    for text in against:
        try:
            made = _maker(text)(setting)
            if not made:
                raise NoBaselineError(f"--against {text}: there is no wiring but the cut's.")
        except NoBaselineError as error:
            left_out.append(str(error))
            continue
        taken = {member.name for member in found}
        clash = next((member.name for member in made if member.name in taken), None)
        if clash:
            raise UsageError(f"--against {text}: there is a {clash!r} already; name it once, or rename the file.")
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
        raise UsageError(f"--against {twice}: it is named twice.")


def _maker(text: str) -> Callable[[Setting], list[Member]]:
    """What makes the baselines of this name for a cut.

    Raises:
        UsageError: it is unknown, and no path either.
    """
    name, colon, number = text.partition(":")
    if name in RIVALS and not colon:
        return lambda setting: RIVALS[name](setting, 1)
    if name in COUNTED_RIVALS:
        if colon and not (number.isdecimal() and len(number) <= 18 and int(number) > 0):
            raise UsageError(f"--against {shown(text)}: expected a number from 1 upwards after the colon.")
        if name == "evolution" and (not colon or int(number) < 2):
            raise UsageError(f"--against {text}: expected how many trainings it may take, like evolution:50.")
        count = int(number) if colon else 1
        require_few(f"--against {text}", count)
        return lambda setting: COUNTED_RIVALS[name](setting, count)
    if name in SCALED_RIVALS:
        wanted = number if colon else "params"
        if wanted not in SCALED_RIVALS[name]:
            raise UsageError(
                f"--against {text}: expected {' or '.join(SCALED_RIVALS[name])} after the colon"
                f"{nearest(wanted, SCALED_RIVALS[name])}"
            )
        return lambda setting: SCALED_RIVALS[name][wanted](setting, 1)
    path = Path(text)
    if path.exists():
        return lambda setting: [_late(setting, path)]
    known = ", ".join([*RIVALS, *(f"{name}:N" for name in COUNTED_RIVALS), *SCALED_RIVALS])
    raise UsageError(
        f"--against {text}: expected one of {known}, or the path of a run or an architecture's YAML"
        f"{nearest(name, NAMES)}"
    )


def _late(setting: Setting, path: Path) -> Member:
    """The wiring of another run, cut or YAML file."""
    given = RunDirectory.open(path).architecture() if path.is_dir() else from_yaml(read_text(path), str(path))
    architecture = given.without_gates()
    ours = setting.contest.parent
    if (architecture.input, architecture.classes) != (ours.input, ours.classes):
        raise UsageError(f"--against {path}: it is for other images or classes than the cut.")
    name = path.resolve().name.removesuffix(".yaml")
    if name in (CUT, *NAMES):
        name = f"other-{name}"
    return Member(name, name, architecture, setting.configuration)
