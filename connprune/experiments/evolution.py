"""Regularised evolution of wirings (Real, Aggarwal, Huang, Le 2019): the rival that searches by training."""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from connprune.analysis.statistics import all_known
from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.cutting import restricted
from connprune.architecture.rivals import wirings_within
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.architecture.wirings import Wiring
from connprune.errors import ConnpruneError, DivergedError, UsageError
from connprune.files import whole_directory
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors, write_tensors
from connprune.training.configuration import Configuration

# Wirings that are alive at once, and how many of them compete to be the next parent; Real et al. take 100 and 25 of
# budgets in the thousands.
POPULATION, TOURNAMENT = 8, 3
ATTEMPTS = 1000

Train = Callable[[RunDirectory], dict[str, Any]]


def evolve(run: RunDirectory, configuration: Configuration, train: Train) -> dict[str, Any]:
    """Trains as many wirings as the run's budget allows, and keeps the one with the best validation accuracy.

    All chance comes from the seed, and each trial is a run of its own in `trials/`, so an interrupted search goes on
    where it was, and finished trials are not trained again.

    Args:
        run: locked by the caller; its configuration states the parent that all wirings are part of.
        configuration: the run's.
        train: trains a run to its end.

    Returns:
        The summary of the run: the results of the best trial, and the seconds of all.
    """
    budget = int(run.summary["evolution"]["budget"])
    run.begin({"epochs": configuration.training.epochs})
    with run.status_on_error():
        parent = _parent(configuration)
        space = wirings_within(parent)
        random = Random(f"evolution {configuration.training.seed}")  # noqa: S311 - nothing here is secret
        alive: deque[dict[str, Any]] = deque(maxlen=POPULATION)
        trials: list[dict[str, Any]] = []
        for number in range(min(budget, space.count())):
            known = [trial["wiring"] for trial in trials]
            wiring = space.draw(random)
            if number >= POPULATION:
                best = max(random.sample(list(alive), TOURNAMENT), key=_fitness)
                wiring = mutated(parent, best["wiring"], random) or wiring
            while wiring in known:
                wiring = (mutated(parent, wiring, random) if number >= POPULATION else None) or space.draw(random)
            trial = {**_trial(run, number, restricted(parent, wiring), configuration, train), "wiring": wiring}
            alive.append(trial)
            trials.append(trial)
        return _finish(run, max(trials, key=_fitness), trials)


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
    run: RunDirectory, number: int, architecture: Architecture, configuration: Configuration, train: Train
) -> dict[str, Any]:
    path = run.path / "trials" / f"{number:04}"
    if not path.exists():
        with whole_directory(path) as temporary:
            RunDirectory.create(temporary, "retrain", configuration.to_yaml(architecture), architecture, "planned")
    directory = RunDirectory.open(path)
    try:
        summary = directory.summary if directory.is_finished else train(directory)
    except DivergedError:
        summary = {}
    return {**summary, "trial": number, "path": directory.path}


def _fitness(trial: dict[str, Any]) -> tuple[float, float]:
    """More is better; a training that diverged is the worst."""
    final = trial.get("final")
    return (final["validation_accuracy"], -final["validation_loss"]) if final else (-1.0, 0.0)


def _sum_of_all(trials: Sequence[dict[str, Any]], key: str) -> float | None:
    """The seconds of all trials that have ended; None if one of them does not know its own. One that diverged has 0."""
    known = all_known(trial.get(key) for trial in trials if "final" in trial)
    return None if known is None else sum(known)


def _finish(run: RunDirectory, best: dict[str, Any], trials: list[dict[str, Any]]) -> dict[str, Any]:
    if "final" not in best:
        raise ConnpruneError(f"{run.path}: every trial diverged.")
    chosen = RunDirectory(best["path"])
    architecture = chosen.architecture()
    run.rewire(architecture)
    write_tensors(run.final, read_tensors(chosen.final)[0])
    kept = {key: best[key] for key in ("data_digest", "classes", "connections", "gated_connections", "gates_closed")}
    return run.summarise(
        {
            "status": "finished",
            **kept,
            "layers": len(architecture.layers),
            "parameters": parameter_count(architecture),
            "macs": mac_count(architecture),
            **{key: _sum_of_all(trials, key) for key in ("training_seconds", "wall_seconds")},
            "final": best["final"],
            "best": best["best"],
            "evolution": {
                "budget": len(trials),
                "chosen": best["trial"],
                "validation_accuracies": [
                    trial["final"]["validation_accuracy"] if "final" in trial else None for trial in trials
                ],
            },
        }
    )
