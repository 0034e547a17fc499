"""The plan of an experiment: a directory with a run for each training, all made before the first begins."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from connprune.architecture.architecture import Architecture
from connprune.documents.plan import ComparisonPlan, ExperimentPlan, SweepPlan
from connprune.documents.run import EvolutionResults, Kind, Start, Status
from connprune.errors import InterruptedRunError, LostDirectoryError, UsageError
from connprune.files import read_sealed_json, whole_directory
from connprune.limits import TRAININGS
from connprune.runs.directory import RunDirectory
from connprune.runs.links import read_document, write_document
from connprune.training.configuration import Configuration

if TYPE_CHECKING:
    from torch import Tensor

PLAN = "plan.json"

AnyPlan = TypeVar("AnyPlan", bound=ExperimentPlan)
AnyPlan_co = TypeVar("AnyPlan_co", bound=ExperimentPlan, covariant=True, default=ExperimentPlan)


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
        start: what these are.
    """

    row: str
    name: str
    architecture: Architecture
    configuration: Configuration
    kind: Kind = "retrain"
    budget: int | None = None
    weights: "Mapping[str, Tensor] | None" = None
    start: Start = "scratch"


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
class Plan(Generic[AnyPlan_co]):
    """An experiment's directory.

    Attributes:
        path: the directory.
        document: what it trains.
    """

    path: Path
    document: AnyPlan_co

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each repetition."""
        return self.document.seeds

    @property
    def rows(self) -> dict[str, tuple[str, ...]]:
        """For each row of the table the names of its candidates."""
        return self.document.rows

    @property
    def run(self) -> RunDirectory:
        """The directory, as what other commands find."""
        return RunDirectory(self.path)

    @property
    def jobs(self) -> list[Job]:
        """All trainings; every network gets its first seed before any gets its second."""
        return [
            self._repeated(row, candidate, repetition)
            for repetition in range(len(self.seeds))
            for row, candidates in self.rows.items()
            for candidate in candidates
        ]

    def _repeated(self, row: str, candidate: str, repetition: int) -> Job:
        seed = self.document.seeds_of(row)[repetition]
        return Job(row, candidate, seed, self.job(candidate, seed))

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
            is_same = read_sealed_json(self.path / PLAN).get("identity") == self.document.identity
        except UsageError:
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
    sha = hashlib.sha256(json.dumps(list(seeds)).encode())
    for candidate in candidates:
        configuration = candidate.configuration
        if images:
            known = configuration.data.model_copy(update={"source": images, "cache": None})
            configuration = configuration.model_copy(update={"data": known})
        text = configuration.to_yaml(candidate.architecture)
        stated = [candidate.row, candidate.name, candidate.kind, text, candidate.budget]
        sha.update(json.dumps(stated).encode())
        for name, tensor in sorted((candidate.weights or {}).items()):
            sha.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return sha.hexdigest()[:8]


def rows_of(candidates: Iterable[Candidate]) -> dict[str, tuple[str, ...]]:
    """For each row the names of its candidates."""
    rows: dict[str, tuple[str, ...]] = {}
    for candidate in candidates:
        rows[candidate.row] = (*rows.get(candidate.row, ()), candidate.name)
    return rows


def begin(path: Path, document: AnyPlan, candidates: Sequence[Candidate], images: str | None = None) -> Plan[AnyPlan]:
    """The experiment in this directory: a new one, or the same one that is there already.

    Args:
        path: the directory.
        document: what it trains.
        candidates: the networks that this names.
        images: the digest of the images that its trainings must find; None is those that each finds.

    Raises:
        UsageError: the directory holds another experiment, or something else; or these are too many trainings.
    """
    require_few(path, len(candidates) * len(document.seeds))
    if not (path / PLAN).exists():
        try:
            _create(path, document, candidates, images)
        except OSError:
            # Another process may have made the same plan meanwhile.
            if not (path / PLAN).exists():
                raise
    plan = read(path, type(document))
    if plan.document.identity != document.identity:
        raise UsageError(f"{path}: this directory holds another experiment; name a new one.")
    for candidate in candidates:
        for seed in document.seeds_of(candidate.row):
            run = plan.job(candidate.name, seed)
            if not run.path.exists():
                with whole_directory(run.path) as temporary:
                    _create_job(temporary, candidate, seed, images)
    return plan


def read(path: Path, kind: type[AnyPlan]) -> Plan[AnyPlan]:
    """The experiment of this kind in a directory.

    Raises:
        UsageError: there is none, its plan is damaged, or it names too many trainings.
    """
    wanted = kind.model_fields["kind"].default
    file = path / PLAN
    if not file.is_file():
        raise UsageError(f"{path}: this directory is no {wanted}: it has no {PLAN}.")
    found = read_sealed_json(file).get("kind")
    if found != wanted:
        raise UsageError(f"{path}: this is no {wanted}, but a {found}.")
    plan = Plan(path, read_document(kind, file))
    require_few(file, len(plan.seeds) * len(plan.document.names))
    return plan


def read_any(path: Path) -> Plan[ExperimentPlan]:
    """The experiment in a directory.

    Raises:
        UsageError: as for `read`.
    """
    is_sweep = (path / PLAN).is_file() and read_sealed_json(path / PLAN).get("kind") == "sweep"
    return read(path, SweepPlan) if is_sweep else read(path, ComparisonPlan)


def require_few(origin: Path | str, trainings: int) -> None:
    """Refuses an experiment of more trainings than the limit.

    Raises:
        UsageError: these are more; the message begins with the place.
    """
    if trainings > TRAININGS.most:
        raise UsageError(f"{origin}: these are {trainings:,}, {TRAININGS}.")


def _create(path: Path, document: ExperimentPlan, candidates: Sequence[Candidate], images: str | None) -> None:
    with whole_directory(path) as temporary:
        for candidate in candidates:
            for seed in document.seeds_of(candidate.row):
                _create_job(temporary / "jobs" / candidate.name / f"seed-{seed}", candidate, seed, images)
        write_document(temporary / PLAN, document, home=path)
        RunDirectory(temporary).summarise(kind=document.kind, status="planned")


def _create_job(path: Path, candidate: Candidate, seed: int, images: str | None) -> None:
    configuration = candidate.configuration.seeded(seed)
    text = configuration.to_yaml(candidate.architecture)
    evolution = EvolutionResults(budget=candidate.budget) if candidate.budget else None
    RunDirectory.create(
        path,
        candidate.kind,
        text,
        candidate.architecture,
        "planned",
        candidate.weights,
        data_digest=images,
        evolution=evolution,
        start=None if candidate.weights is None else candidate.start,
    )
