"""The plan of an experiment: a directory with a run for each training, all made before the first begins."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connprune.architecture.architecture import Architecture
from connprune.documents.base import SCHEMA, require_version
from connprune.documents.comparison import CUT
from connprune.documents.run import EvolutionResults, ExperimentKind, Kind, Status
from connprune.errors import DamagedFileError, InterruptedRunError, LostDirectoryError, UsageError
from connprune.files import read_sealed_json, sealed, whole_directory, write_json
from connprune.limits import TRAININGS
from connprune.runs.directory import RunDirectory
from connprune.runs.links import followed, stored
from connprune.tensor_files import write_tensors
from connprune.training.configuration import Configuration

if TYPE_CHECKING:
    from torch import Tensor

PLAN = "plan.json"


@dataclass(frozen=True)
class Candidate:
    """A network of an experiment, to be trained with each seed.

    Attributes:
        row: the row of the table that it belongs to.
        name: its own name; the only candidate of a row has the row's.
        architecture: what is trained.
        configuration: the recipe and the data; the seed is each training's own.
        kind: what kind of run its trainings are.
        budget: how many trainings an evolution may take.
        weights: what to start from instead of fresh weights.
    """

    row: str
    name: str
    architecture: Architecture
    configuration: Configuration
    kind: Kind = "retrain"
    budget: int | None = None
    weights: "Mapping[str, Tensor] | None" = None


@dataclass(frozen=True)
class Job:
    """One training: a candidate with a seed, in a run directory of its own."""

    row: str
    candidate: str
    seed: int
    run: RunDirectory

    @property
    def is_finished(self) -> bool:
        """Whether it has its results; one whose summary is damaged or gone has not."""
        try:
            return self.run.is_finished
        except UsageError:
            return False

    def has_failed_since(self, moment: str) -> bool:
        """Whether it failed at this moment, ISO 8601, or later."""
        try:
            summary = self.run.summary
        except UsageError:
            return False
        return summary.status == "failed" and str(summary.updated) >= moment


@dataclass(frozen=True)
class Plan:
    """An experiment's directory.

    Attributes:
        path: the directory.
        seeds: the seed of each repetition.
        rows: for each row of the table the names of its candidates.
        about: what else the experiment wants to remember.
    """

    path: Path
    seeds: tuple[int, ...]
    rows: dict[str, tuple[str, ...]]
    about: dict[str, Any]

    @property
    def run(self) -> RunDirectory:
        """The directory, as what other commands find."""
        return RunDirectory(self.path)

    @property
    def jobs(self) -> list[Job]:
        """All trainings; every network gets its first seed before any gets its second."""
        return [
            Job(row, candidate, seed, self.job(candidate, seed))
            for seed in self.seeds
            for row, candidates in self.rows.items()
            for candidate in candidates
        ]

    def job(self, candidate: str, seed: int) -> RunDirectory:
        """The run of one training."""
        return RunDirectory(self.path / "jobs" / candidate / f"seed-{seed}")

    @property
    def unfinished(self) -> list[Job]:
        """The trainings that are still to do."""
        return [job for job in self.jobs if not job.is_finished]

    def note(self, status: Status) -> None:
        """Writes how far the experiment is.

        Raises:
            LostDirectoryError: the directory holds it no longer.
        """
        self.require_same()
        self.run.summarise(status=status)

    def require_same(self) -> None:
        """Is asked before something is written that belongs to the experiment and not to one of its trainings.

        Raises:
            LostDirectoryError: the directory holds it no longer.
        """
        try:
            is_same = read_sealed_json(self.path / PLAN)["about"]["digest"] == self.about.get("digest")
        except (UsageError, KeyError, TypeError):
            is_same = False
        if not is_same:
            raise LostDirectoryError(
                f"{self.path}: this directory was removed, or holds another experiment now; nothing more was written "
                "there."
            )

    def interruption(self, signal_number: int) -> InterruptedRunError:
        """What to raise when a signal came and what was under way is saved."""
        return InterruptedRunError("Interrupted; what was under way is saved.", signal_number, self.run.resumable)


def digest(candidates: Sequence[Candidate], seeds: Sequence[int], images: str | None = None) -> str:
    """What tells two experiments apart, in eight hexadecimal digits.

    Args:
        candidates: the networks.
        seeds: of the repetitions.
        images: the digest of the images; where it is known, their place does not matter.
    """
    found = hashlib.sha256(json.dumps(list(seeds)).encode())
    for candidate in candidates:
        configuration = candidate.configuration
        if images:
            known = configuration.data.model_copy(update={"source": images, "cache": None})
            configuration = configuration.model_copy(update={"data": known})
        text = configuration.to_yaml(candidate.architecture)
        stated = [candidate.row, candidate.name, candidate.kind, text, candidate.budget]
        found.update(json.dumps(stated).encode())
        for name, tensor in sorted((candidate.weights or {}).items()):
            found.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return found.hexdigest()[:8]


def begin(
    path: Path,
    kind: ExperimentKind,
    candidates: Sequence[Candidate],
    seeds: Sequence[int],
    about: Mapping[str, Any],
    images: str | None = None,
) -> Plan:
    """The experiment in this directory: a new one, or the same one that is there already.

    Args:
        path: the directory.
        kind: what it is.
        candidates: the networks.
        seeds: of the repetitions.
        about: what else the experiment wants to remember.
        images: the digest of the images that its trainings must find; None is those that each finds.

    Raises:
        UsageError: the directory holds another experiment, or something else; or these are too many trainings.
    """
    require_few(path, len(candidates) * len(seeds))
    mark = digest(candidates, seeds, images)
    if not (path / PLAN).exists():
        try:
            _create(path, kind, candidates, seeds, {**about, "digest": mark}, images)
        except OSError:
            # Another process may have made the same plan meanwhile.
            if not (path / PLAN).exists():
                raise
    plan = read(path, kind)
    if plan.about.get("digest") != mark:
        raise UsageError(f"{path}: this directory holds another experiment; name a new one.")
    for candidate in candidates:
        for seed in seeds:
            run = plan.job(candidate.name, seed)
            if not run.path.exists():
                with whole_directory(run.path) as temporary:
                    _create_job(temporary, candidate, seed, images)
    return plan


def read(path: Path, *kinds: ExperimentKind) -> Plan:
    """The experiment in a directory.

    Raises:
        UsageError: there is none of these kinds, its plan is damaged, or it names too many trainings.
    """
    if not (path / PLAN).is_file():
        raise UsageError(f"{path}: this directory is no {' or '.join(kinds)}: it has no {PLAN}.")
    document = read_sealed_json(path / PLAN)
    require_version(document, str(path / PLAN))
    kind = document.get("kind")
    if kind not in kinds:
        raise UsageError(f"{path}: this is no {' or '.join(kinds)}, but a {kind}.")
    try:
        plan = Plan(
            path=path,
            seeds=tuple(int(seed) for seed in document["seeds"]),
            rows={str(row): tuple(map(str, names)) for row, names in document["rows"].items()},
            about=followed(document["about"], path, "cuts"),
        )
        require_few(plan.path / PLAN, len(plan.seeds) * sum(map(len, plan.rows.values())))
        # The names become folders below jobs/; nothing else may be reached through them.
        names = [name for row in plan.rows.values() for name in row]
        complete = bool(plan.jobs) and all(map(_is_folder_name, names))
        complete = complete and (set(plan.about["cells"]) == set(names) if kind == "sweep" else _has_its_cuts(plan))
    except (KeyError, TypeError, ValueError, AttributeError):
        complete = False
    if not complete:
        raise DamagedFileError(path / PLAN, "it holds no plan")
    return plan


def require_few(place: Path | str, trainings: int) -> None:
    """Refuses an experiment of more trainings than the limit.

    Raises:
        UsageError: these are more; the message begins with the place.
    """
    if trainings > TRAININGS.most:
        raise UsageError(f"{place}: these are {trainings:,}, {TRAININGS}.")


def _has_its_cuts(plan: Plan) -> bool:
    """Whether a comparison has a row for each of its cuts, and what it says of several belongs together."""
    cuts, rules = plan.about["cuts"], plan.about["rules"]
    if not (isinstance(cuts, list) and isinstance(rules, list) and len(rules) == len(cuts) and cuts):
        return False
    if len(cuts) == 1:
        return CUT in plan.rows
    numbers = [str(number + 1) for number in range(len(cuts))]
    return {row.partition("/")[0] for row in plan.rows} == set(numbers) and {
        f"{number}/{CUT}" for number in numbers
    } <= set(plan.rows)


def _is_folder_name(name: str) -> bool:
    return name not in ("", "..") and Path(name).name == name and "\0" not in name


def _create(
    path: Path,
    kind: ExperimentKind,
    candidates: Sequence[Candidate],
    seeds: Sequence[int],
    about: Mapping[str, Any],
    images: str | None,
) -> None:
    with whole_directory(path) as temporary:
        rows: dict[str, list[str]] = {}
        for candidate in candidates:
            rows.setdefault(candidate.row, []).append(candidate.name)
            for seed in seeds:
                _create_job(temporary / "jobs" / candidate.name / f"seed-{seed}", candidate, seed, images)
        document = {
            "schema": SCHEMA,
            "kind": kind,
            "seeds": list(seeds),
            "rows": rows,
            "about": stored(about, path, "cuts"),
        }
        write_json(temporary / PLAN, sealed(document))
        RunDirectory(temporary).summarise(kind=kind, status="planned")


def _create_job(path: Path, candidate: Candidate, seed: int, images: str | None) -> None:
    configuration = candidate.configuration.seeded(seed)
    text = configuration.to_yaml(candidate.architecture)
    evolution = EvolutionResults(budget=candidate.budget) if candidate.budget else None
    run = RunDirectory.create(
        path, candidate.kind, text, candidate.architecture, "planned", data_digest=images, evolution=evolution
    )
    if candidate.weights:
        write_tensors(run.initial, candidate.weights)
