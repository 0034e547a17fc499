"""Regularised evolution of wirings (Real, Aggarwal, Huang, Le 2019): the baseline that searches by training."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from connprune.analysis.statistics import all_known
from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.baselines import wirings_within
from connprune.architecture.cutting import restricted
from connprune.architecture.wirings import Wiring
from connprune.documents.run import EvolutionResults, Trained
from connprune.errors import ConnpruneError, DamagedFileError, DivergedError, UsageError
from connprune.files import whole_directory
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors, write_tensors
from connprune.training.configuration import Configuration
from connprune.training.turns import Turns

# Wirings that are alive at once, and how many of them compete to be the next parent; Real et al. take 100 and 25 of
# budgets in the thousands.
POPULATION, TOURNAMENT = 8, 3
ATTEMPTS = 1000

# What the summary says of the best trial.
_CHOSEN = {"data_digest", "classes", "final", "best", "gates_closed", "connections", "gated_connections", "layers"}
_CHOSEN |= {"parameters", "macs"}

Train = Callable[[RunDirectory], Turns[Trained]]


@dataclass(frozen=True)
class Trial:
    """A wiring that was tried.

    Attributes:
        number: from 0.
        wiring: for each target its sources.
        run: its training.
        results: None of one that diverged.
    """

    number: int
    wiring: Wiring
    run: RunDirectory
    results: Trained | None

    @property
    def fitness(self) -> tuple[float, float]:
        """More is better; a training that diverged is the worst."""
        if self.results is None:
            return -1.0, 0.0
        return self.results.final.validation_accuracy, -self.results.final.validation_loss


def evolve(run: RunDirectory, configuration: Configuration, train: Train) -> Turns[Trained]:
    """Trains as many wirings as the run's budget allows, and keeps the one with the best validation accuracy.

    All chance comes from the seed, and each trial is a run of its own in `trials/`, so an interrupted search goes on
    where it was, and finished trials are not trained again.

    Args:
        run: locked by the caller; its configuration states the parent that all wirings are part of.
        configuration: the run's.
        train: trains a run to its end, a step at a time.

    Returns:
        The summary of the run: the results of the best trial, and the seconds of all.
    """
    evolution = run.summary.evolution
    if evolution is None:
        raise DamagedFileError(run.summary_file, "evolution: Field required")
    budget = evolution.budget
    run.begin(epochs=configuration.training.epochs)
    with run.status_on_error():
        parent = _parent(configuration)
        space = wirings_within(parent)
        random = Random(f"evolution {configuration.training.seed}")  # noqa: S311 - nothing here is secret
        alive: deque[Trial] = deque(maxlen=POPULATION)
        trials: list[Trial] = []
        draws = space.draws(random)
        for number in range(min(budget, space.count() or budget)):
            parents = list(alive) if number >= POPULATION else []
            wiring = _untried(parent, parents, [trial.wiring for trial in trials], draws, random)
            if wiring is None:
                break
            trial = yield from _trial(run, number, parent, wiring, configuration, train)
            alive.append(trial)
            trials.append(trial)
        if not trials:
            raise ConnpruneError(f"{run.path}: no random set of the parent's connections was a wiring; expected some.")
        return _finish(run, max(trials, key=lambda trial: trial.fitness), trials)


def _untried(
    parent: Architecture, parents: list[Trial], tried: list[Wiring], draws: Iterator[Wiring], random: Random
) -> Wiring | None:
    """The mutation of the best of some parents, or where there are none a draw; None once there is no other."""
    wiring = next(draws, None)
    if parents:
        best = max(random.sample(parents, TOURNAMENT), key=lambda trial: trial.fitness)
        wiring = mutated(parent, best.wiring, random) or wiring
    while wiring is not None and wiring in tried:
        wiring = (mutated(parent, wiring, random) if parents else None) or next(draws, None)
    return wiring


def mutated(parent: Architecture, wiring: Wiring, random: Random) -> Wiring | None:
    """A live wiring that differs from `wiring` in one connection or in two; None if none was found in `ATTEMPTS`.

    One or two is a coin's throw, and which ones has the same chance for all; what is not live is thrown again.
    """
    for _ in range(ATTEMPTS):
        flipped = set(random.sample(parent.all_connections, random.choice((1, 2))))
        sources: dict[str, tuple[str, ...]] = {}
        for source, target in parent.all_connections:
            if (source in wiring.get(target, ())) != (Connection(source, target) in flipped):
                sources[target] = (*sources.get(target, ()), source)
        try:
            return restricted(parent, sources).connections
        except UsageError:
            continue
    return None


def _parent(configuration: Configuration) -> Architecture:
    fields = {name: getattr(configuration, name) for name in Architecture.model_fields}
    return Architecture(**fields)


def _trial(
    run: RunDirectory, number: int, parent: Architecture, wiring: Wiring, configuration: Configuration, train: Train
) -> Turns[Trial]:
    path = run.path / "trials" / f"{number:04}"
    if not path.exists():
        architecture = restricted(parent, wiring)
        with whole_directory(path) as temporary:
            RunDirectory.create(temporary, "retrain", configuration.to_yaml(architecture), architecture, "planned")
    directory = RunDirectory.open(path)
    results: Trained | None
    try:
        results = directory.trained() if directory.is_finished else (yield from train(directory))
    except DivergedError:
        results = None
    return Trial(number, wiring, directory, results)


def _finish(run: RunDirectory, best: Trial, trials: Sequence[Trial]) -> Trained:
    chosen = best.results
    if chosen is None:
        raise ConnpruneError(f"{run.path}: every trial diverged.")
    architecture = best.run.architecture()
    run.rewire(architecture)
    write_tensors(run.final, read_tensors(best.run.final)[0])
    # Of one that diverged the seconds are not known.
    ended = [trial.results for trial in trials if trial.results]
    wall = all_known(results.wall_seconds for results in ended)
    run.summarise(
        status="finished",
        **chosen.model_dump(include=_CHOSEN),
        training_seconds=sum(results.training_seconds for results in ended),
        wall_seconds=None if wall is None else sum(wall),
        evolution=EvolutionResults(
            budget=len(trials),
            chosen=best.number,
            validation_accuracies=tuple(
                trial.results.final.validation_accuracy if trial.results else None for trial in trials
            ),
        ),
    )
    return run.trained()
