"""What a comparison compares: one cut, or those of several searches, each with baselines of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from connprune.documents.cut import CutDocument
from connprune.documents.plan import ComparisonPlan
from connprune.documents.run import Start
from connprune.errors import NoBaselineError, UsageError
from connprune.experiments.candidates import candidates_of
from connprune.experiments.compared import ComparedCut
from connprune.experiments.plan import Candidate, digest, rows_of
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import configuration_in
from connprune.training.layered import Setting

# Where the images lie, which makes no search another one; and what else two searches of one procedure may differ in.
_PLACES = ("data.source", "data.cache")
_OWN = ("training.seed", "data.split_seed", *_PLACES)


@dataclass(frozen=True)
class Searches:
    """One cut or several, and what each is compared with.

    Attributes:
        candidates: of all searches; of several, row and name begin with the number of the search, counted from 1.
        cuts: the path of each.
        rules: the rule of each.
        against: the baselines, as they were named.
        epochs: of every training.
        images: the digest of the images.
        seed: the first recipe's own.
    """

    candidates: list[Candidate]
    cuts: tuple[str, ...]
    rules: tuple[str, ...]
    against: tuple[str, ...]
    epochs: int
    images: str | None
    seed: int

    def plan(self, seeds: Sequence[int]) -> ComparisonPlan:
        """The plan of their comparison with these seeds.

        Of several searches the first takes them and each other one the next ones: searches that found the same wiring
        would otherwise be one training, counted several times.
        """
        count = len(self.cuts)
        span = max(seeds) - min(seeds) + 1
        of_each = tuple(tuple(seed + number * span for seed in seeds) for number in range(count)) if count > 1 else ()
        return ComparisonPlan(
            identity=digest(self.candidates, [*chain(*of_each)] or seeds, self.images),
            seeds=tuple(seeds),
            search_seeds=of_each,
            rows=rows_of(self.candidates),
            cuts=self.cuts,
            rules=self.rules,
            against=self.against,
            epochs=self.epochs,
        )


def gather(
    cuts: Sequence[RunDirectory],
    against: Sequence[str],
    epochs: int | None,
    seed: int | None,
    warn: Callable[[str], None],
    start: Start = "scratch",
    settings: Sequence[Setting] = (),
) -> Searches:
    """The cut of one search or of several, and for each its baselines.

    Args:
        cuts: at least one.
        against: as `candidates_of` takes it.
        epochs: as `ComparedCut.of` takes them.
        seed: likewise.
        warn: is told what a reader of the verdict has to know, a sentence.
        start: as `ComparedCut.of` takes it.
        settings: likewise.

    Raises:
        UsageError: two of them are cuts of one search, or of searches with the same configuration and seed; their
            images differ; or a baseline is unknown, or none of those that are named can be made for any of them.
    """
    documents = [read_cut(each) for each in cuts]
    compared = [ComparedCut.of(each, epochs, seed, start, settings) for each in cuts]
    images = cuts[0].summary.data_digest
    training = compared[0].configuration.training
    searches = Searches(
        candidates=[],
        cuts=tuple(str(cut.path.resolve()) for cut in cuts),
        rules=tuple(document.rule for document in documents),
        against=tuple(against),
        epochs=training.epochs,
        images=images,
        seed=training.seed,
    )
    if len(cuts) == 1:
        return replace(searches, candidates=candidates_of(compared[0], against, warn))
    searched = [_flat(configuration_in(each, each.parent).model_dump(mode="json")) for each in cuts]
    _require_different(cuts, documents, searched)
    for each in cuts:
        if each.summary.data_digest != images:
            raise UsageError(f"{each.path}: its search saw other images than that of {cuts[0].path}.")
    _warn_of_differences(searched, documents, warn)
    candidates: list[Candidate] = []
    lacking: list[str] = []
    for number, ours in enumerate(compared, 1):
        path = ours.cut.path
        try:
            mine = candidates_of(ours, against, _naming(path, warn))
        except NoBaselineError as error:
            lacking.append(f"{path}: {error}")
            mine = candidates_of(ours, ())
        candidates += [replace(one, row=f"{number}/{one.row}", name=f"{number}-{one.name}") for one in mine]
    if len(lacking) == len(cuts):
        raise NoBaselineError("\n".join(lacking))
    for why in lacking:
        warn(f"left out: {why}")
    return replace(searches, candidates=candidates)


def _naming(path: Path, warn: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: warn(f"{path}: {text}")


def _require_different(
    cuts: Sequence[RunDirectory], documents: Sequence[CutDocument], searched: Sequence[Mapping[str, object]]
) -> None:
    """Refuses a search that is there twice: at the same place, with the same weights, or done again with its seed."""
    known: dict[str, RunDirectory] = {}
    for cut, document, configuration in zip(cuts, documents, searched, strict=True):
        origin = document.ancestry[0]
        recipe = {key: value for key, value in configuration.items() if key not in _PLACES}
        seed = configuration.get("training.seed")
        marks = {
            f"place {origin}": f", {origin}",
            f"recipe {sorted(recipe.items(), key=str)}": f": configuration and seed, {seed}, are the same",
            f"weights {document.parent_digest}": ": both were cut from the same weights",
        }
        for mark, why in marks.items():
            if mark in known:
                raise UsageError(
                    f"{cut.path}: this is a cut of the same search as {known[mark].path}{why}; of several searches "
                    "each counts once."
                )
        known |= dict.fromkeys(marks, cut)


def _warn_of_differences(
    searched: Sequence[Mapping[str, object]], documents: Sequence[CutDocument], warn: Callable[[str], None]
) -> None:
    """Says what makes them not one procedure, repeated."""
    keys: dict[str, None] = {}
    first = searched[0]
    for other in searched[1:]:
        keys |= dict.fromkeys(key for key in {**first, **other} if first.get(key) != other.get(key))
    differing = [key for key in keys if key not in _OWN]
    if differing:
        warn(f"the searches differ in more than their seeds, so their mean is of no one procedure: {_some(differing)}")
    for values in ({each.rule: None for each in documents}, {each.by: None for each in documents}):
        if len(values) > 1:
            warn(f"the cuts were not made alike, so their mean is of no one procedure: {_some([*values])}")


def _flat(data: object, path: str = "") -> dict[str, object]:
    if not isinstance(data, Mapping):
        return {path: data}
    return {key: value for name in data for key, value in _flat(data[name], f"{path}.{name}".strip(".")).items()}


def _some(texts: Sequence[str]) -> str:
    return ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
