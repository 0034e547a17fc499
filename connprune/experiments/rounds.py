"""Iterative pruning: a run is cut in several rounds, and what each leaves is trained before the next."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from connprune.architecture.base import INPUT
from connprune.architecture.measured import ROUNDING
from connprune.architecture.rules import Budget, Keep, Rule, Share, Sparsity, WholeLayers
from connprune.architecture.shapes import size_of
from connprune.architecture.shares import approached
from connprune.data.images import Dataset
from connprune.data.splits import Splits
from connprune.documents.rounds import RoundLimits, RoundsDocument, RoundSettings
from connprune.errors import (
    ArgumentError,
    ConnpruneError,
    DisconnectedError,
    InterruptedRunError,
    Resumable,
    UsageError,
)
from connprune.files import require_replaceable, whole_directory
from connprune.mistakes import Mistake
from connprune.runs.directory import RunDirectory
from connprune.runs.layout import ROUNDS
from connprune.runs.links import read_document, write_document
from connprune.training.configuration import Configuration, of_search_in, read_configuration
from connprune.training.evaluation import evaluate
from connprune.training.latency import seconds_alone
from connprune.training.layered import Setting
from connprune.training.limited import BATCH, Limited
from connprune.training.pruning import Examined, Pruned, write_cut
from connprune.training.run import split_data
from connprune.training.start import begin_search

K = TypeVar("K")
V = TypeVar("V")

# The rules that say how much is left, which several rounds can approach.
Approached = Limited | Budget | Keep | Sparsity


@dataclass(frozen=True)
class Steps:
    """How the parts of the work are done, and shown.

    Attributes:
        load: loads the images of a configuration.
        examine: scores a run.
        cut: cuts it by a rule, with the latency of both if that is asked for.
        train: trains a run to its end.
        tell: is told in a sentence what begins.
    """

    load: Callable[[Configuration], Dataset]
    examine: Callable[[RunDirectory], Examined]
    cut: Callable[[Examined, Rule, bool], Pruned]
    train: Callable[[RunDirectory, Configuration, Splits], object]
    tell: Callable[[str], object]


@dataclass(frozen=True)
class Place:
    """Where a cut in rounds is kept.

    Args:
        path: the directory of the last cut; the earlier ones, and the trainings, are in the folder beside it.
    """

    path: Path

    @property
    def folder(self) -> Path:
        """What comes before the last cut."""
        path = self.path if self.path.name else self.path.absolute()
        return path.with_name(f"{path.name}-rounds")

    @property
    def plan(self) -> Path:
        """What is done."""
        return self.folder / ROUNDS

    @property
    def is_begun(self) -> bool:
        """Whether there is something to resume."""
        return self.plan.is_file()

    def cut(self, number: int, rounds: int) -> RunDirectory:
        """The cut of a round, from 1."""
        return RunDirectory(self.path if number == rounds else self.folder / f"{number}-cut")

    def search(self, number: int) -> RunDirectory:
        """The training after a round, from 1."""
        return RunDirectory(self.folder / f"{number}-search")


def planned(rule: Rule | Limited, examined: Examined, asked: RoundSettings) -> RoundsDocument:
    """What each round leaves at most.

    Of every count, and of the latency, each round leaves the same share of what the one before it was allowed, see
    `approached`. An accuracy is no share: no cut may fall below that of the run, less the points that are allowed.

    Args:
        rule: what the last round comes to.
        examined: the run.
        asked: how it is cut, and in how many rounds.

    Raises:
        UsageError: the rule does not say how much is left, or of more scores than there are.
    """
    if not isinstance(rule, Approached):
        expected = "one that says how much is left: Keep, Sparsity, Budget or Limited, since rounds approach that"
        raise ArgumentError(Mistake(key="rule", found=str(rule), expected=expected))
    wanted = _wanted(rule, examined, asked.layers_only)
    ways = {name: approached(whole, last, asked.rounds) for name, (whole, last) in wanted.items()}
    limits = tuple(
        RoundLimits.model_validate(
            {name: way[number] if name == "seconds" else round(way[number]) for name, way in ways.items()}
        )
        for number in range(asked.rounds)
    )
    least = None
    if isinstance(rule, Limited) and rule.points is not None:
        least = max(0.0, _accuracy(examined) - rule.points / 100)
    return RoundsDocument(
        path=None,
        parent=str(examined.run.path.resolve()),
        parent_digest=examined.run.digest(),
        asked=asked,
        limits=limits,
        least_accuracy=least,
    )


def begin(place: Place, document: RoundsDocument) -> None:
    """Writes down what is to be done.

    Raises:
        UsageError: one of the directories holds something.
    """
    require_replaceable(place.path)
    path = str(place.path.resolve())
    with whole_directory(place.folder) as temporary:
        write_document(temporary / place.plan.name, document.model_copy(update={"path": path}), home=place.folder)


def read(place: Place, asked: RoundSettings | None = None) -> RoundsDocument:
    """What was begun.

    Args:
        place: where.
        asked: how it must have begun; None is in any way.

    Raises:
        UsageError: nothing was, the file is damaged, or something else was asked for then.
    """
    if not place.is_begun:
        raise UsageError(f"{place.path}: there are no rounds to resume; {place.plan} is not there.")
    document = read_document(RoundsDocument, place.plan)
    if asked not in (None, document.asked):
        before, after = document.asked.plain(), asked.plain() if asked else {}
        changed = [f"{key} (was {before[key]}, now {after[key]})" for key in before if before[key] != after[key]]
        raise UsageError(f"{place.path}: rounds are resumed as they began, but this differs: {'; '.join(changed)}.")
    return document


def work(place: Place, document: RoundsDocument, steps: Steps) -> RunDirectory:
    """Does all rounds that are not done yet, and gives the last cut.

    Raises:
        UsageError: the run that was cut first is another one now; or what `examine` and `prune` raise.
        DisconnectedError: a round would leave no path from the input to the head.
        InterruptedRunError: a signal came; what is done is saved, and the same call resumes.
    """
    run, rounds = RunDirectory.open(Path(document.parent)), document.asked.rounds
    if run.digest() != document.parent_digest:
        raise UsageError(f"{place.path}: {run.path} is another run than the one that was cut first.")
    done: list[str] = []
    try:
        for number in range(1, rounds + 1):
            cut = place.cut(number, rounds)
            if not cut.summary_file.is_file():
                steps.tell(f"round {number} of {rounds}: cutting {run.path}")
                cut = write_cut(_round(run, number, document, steps, tuple(done)), cut.path)
            done.append(str(cut.path.resolve()))
            if number < rounds:
                run = _search(cut, place.search(number), document, steps, f"round {number} of {rounds}: training")
    except InterruptedRunError as error:
        raise InterruptedRunError(str(error), error.signal_number, Resumable("rounds", place.path)) from error
    return cut


def _round(run: RunDirectory, number: int, document: RoundsDocument, steps: Steps, done: tuple[str, ...]) -> Pruned:
    """A round's cut, not written yet."""
    limits, examined = document.limits[number - 1], steps.examine(run)
    rule = _rule(limits, examined, document)
    try:
        pruned = steps.cut(examined, rule, limits.seconds is not None)
    except DisconnectedError as error:
        before = f" The cuts of the rounds before are {', '.join(done)}." if done else ""
        raise DisconnectedError(f"Round {number} of {document.asked.rounds}: {error}{before}") from error
    named = pruned.document.model_copy(update={"rounds": done})
    return Pruned(pruned.parent, pruned.configuration, pruned.cut, pruned.gates, pruned.weights, named)


def _rule(limits: RoundLimits, examined: Examined, document: RoundsDocument) -> Rule:
    layers_only = document.asked.layers_only
    points = None
    if document.least_accuracy is not None:
        points = min(100.0, 100 * (_accuracy(examined) - document.least_accuracy))
        if points < -100 * ROUNDING:
            raise ConnpruneError(
                f"{examined.run.path}: its validation accuracy is {-points:.3g} points below what the cuts are to keep "
                f"({document.least_accuracy:.2%}), so nothing more can go; train longer or more gently between the "
                "rounds."
            )
        points = max(0.0, points)
    rule: Rule
    if limits.keep is not None:
        # What a round chose took other connections with it, so that there may be fewer than this one keeps.
        rule = Keep(min(limits.keep, _units(examined, layers_only)))
    else:
        rule = Limited(limits.parameters, limits.macs, limits.seconds, points).rule(examined)
    return WholeLayers(rule) if layers_only else rule


def _search(cut: RunDirectory, run: RunDirectory, document: RoundsDocument, steps: Steps, what: str) -> RunDirectory:
    """The training after a round, which is begun or resumed unless it has ended."""
    settings = [Setting.read(text) for text in document.asked.settings]
    is_begun = run.summary_file.is_file()
    if is_begun and run.is_finished:
        return run
    steps.tell(f"{what} {'resumes' if is_begun else 'begins'} in {run.path}")
    configuration = read_configuration(run) if is_begun else of_search_in(cut, settings)
    splits = split_data(configuration, steps.load(configuration))
    if not is_begun:
        with whole_directory(run.path) as temporary:
            begin_search(cut, configuration, temporary, splits.digest)
    steps.train(run, configuration, splits)
    return run


def _wanted(rule: Approached, examined: Examined, layers_only: bool) -> dict[str, tuple[float, float]]:
    """For each limit what there is, and what is left in the end."""
    architecture = examined.network.architecture
    if isinstance(rule, Keep | Sparsity):
        whole = _units(examined, layers_only)
        count = rule.count if isinstance(rule, Keep) else whole - round(rule.value * whole)
        if count > whole:
            expected = f"0 to {whole}, the number of gates that can be cut"
            raise ArgumentError(Mistake(key="keep", found=str(count), expected=expected))
        return {"keep": (whole, count)}
    size = size_of(architecture)
    wanted: dict[str, tuple[float, float]] = {}
    for name, whole, limit in (
        ("parameters", size.parameters, rule.parameters),
        ("macs", size.macs, rule.macs),
    ):
        if limit is not None:
            wanted[name] = (whole, limit.of(whole) if isinstance(limit, Share) else limit)
    if isinstance(rule, Limited) and rule.seconds is not None:
        seconds = seconds_alone(architecture, BATCH, examined.device)
        share = rule.seconds
        wanted["seconds"] = (seconds, float(share.value) * seconds if isinstance(share, Share) else share)
    return wanted


def _units(examined: Examined, layers_only: bool) -> int:
    """How many scores a rule sees."""
    if not layers_only:
        return len(examined.all_scores)
    return len({source for source, _ in examined.network.architecture.gated_connections} - {INPUT})


def _accuracy(examined: Examined) -> float:
    return evaluate(examined.network, examined.splits.validation, examined.precision).accuracy


def once(function: Callable[[K], V], key: Callable[[K], object]) -> Callable[[K], V]:
    """The same function, which keeps what it gave last: what several rounds load or examine is the same.

    Args:
        function: any.
        key: what of its argument decides what it gives.
    """
    last: tuple[object, V] | None = None

    def called(argument: K) -> V:
        nonlocal last
        if last is None or last[0] != key(argument):
            last = (key(argument), function(argument))
        return last[1]

    return called
