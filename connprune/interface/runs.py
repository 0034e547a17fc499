"""Runs, cuts and comparisons as objects: each stands for a directory, which the commands read too."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import get_args

from connprune.architecture.architecture import Architecture
from connprune.architecture.rules import Budget, Rule, require_rule
from connprune.arguments import require
from connprune.documents.cut import CutDocument
from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Start, Trained
from connprune.errors import ArgumentError, UnfinishedError, UsageError
from connprune.experiments.plan import Job, begin
from connprune.experiments.search_results import collect
from connprune.experiments.searches import gather
from connprune.experiments.worker import work
from connprune.files import require_empty
from connprune.interface.pruning import in_rounds, steps_of
from connprune.interface.retrained import Retrained, seed_numbers
from connprune.interface.running import load_images, stopping, warn
from connprune.mistakes import Mistake
from connprune.names import unknown
from connprune.network.network import Network
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.runs.find import new_path, stem_of
from connprune.runs.links import write_document
from connprune.training.device import choose_device
from connprune.training.importance import CRITERIA
from connprune.training.latency import latencies
from connprune.training.limited import Limited
from connprune.training.pruning import GRANULARITIES, Granularity, examine, prune, write_cut
from connprune.training.run import load_network


class Directory:
    """What has a directory.

    Args:
        path: the directory.

    Raises:
        UsageError: it is no run's.
    """

    def __init__(self, path: str | Path) -> None:
        self.directory = RunDirectory.open(Path(path))

    @property
    def path(self) -> Path:
        """The directory."""
        return self.directory.path

    @cached_property
    def architecture(self) -> Architecture:
        """The architecture of its network."""
        return self.directory.architecture()

    @cached_property
    def network(self) -> Network:
        """The network with its final weights, in evaluation mode on the CPU; always the same object."""
        return load_network(self.directory)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"


class Run(Directory):
    """A training that has ended."""

    @cached_property
    def summary(self) -> Trained:
        """The results."""
        self.directory.require_finished()
        return self.directory.trained()

    @property
    def metrics(self) -> list[EpochMetrics]:
        """The results of each epoch."""
        return self.directory.read_metrics()

    def prune(
        self,
        rule: Rule | Limited | None = None,
        *,
        by: str = "gate",
        granularity: Granularity | None = None,
        rounds: int = 1,
        epochs: int | None = None,
        settings: Mapping[str, object] | None = None,
        path: str | Path | None = None,
        data: str | None = None,
        device: str = "auto",
    ) -> "PrunedRun":
        """Cuts the run, as `connprune prune` does, and evaluates what is left with the weights that it has.

        Args:
            rule: what to cut, `Threshold(0.01)`; with `Limited(points=0.5)` the smallest network whose validation
                accuracy falls by at most half a point; None is the budget that the gates were given.
            by: the importance criterion.
            granularity: whether connections or feature maps are cut; None is as the gates are.
            rounds: how many cuts lead there, with training in between; the rule says then how much is left. The same
                call with the same `path` resumes rounds that were interrupted.
            epochs: of each training between two rounds; None is as the run has it.
            settings: other keys of these trainings, `{"training.optimizer.rate": 1e-4}`.
            path: a new directory for the cut; None is one in the runs folder.
            data: where the images are now; None is where they were.
            device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

        Raises:
            UsageError: the run has no gates, an argument does not suit, or the rule asks for more than there is.
            DisconnectedError: the cut would leave no path from the input to the head.
        """
        gates = self.architecture.gates
        if rule is None:
            if gates is None or gates.budget is None:
                raise ArgumentError(Mistake(key="rule", found="none", expected="one, since the gates had no budget"))
            rule = Budget.of(gates.budget)
        if not isinstance(rule, Limited):
            require_rule(rule)
        if by not in CRITERIA:
            raise UsageError(unknown("by", str(by), CRITERIA))
        if granularity not in (None, *GRANULARITIES):
            raise UsageError(unknown("granularity", str(granularity), GRANULARITIES))
        require("rounds", rounds, int, "a whole number from 1 upwards", lambda count: count >= 1)
        if rounds == 1 and (epochs is not None or settings):
            raise ArgumentError(Mistake("they are of the training between rounds", key="epochs or settings"))
        if path is not None and rounds == 1:
            require_empty(Path(path))
        natural: Granularity = "feature-map" if gates and gates.sharing == "per-feature-map" else "connection"
        chosen = choose_device(device, warn)
        if rounds > 1:
            place = Path(path) if path else new_path(self.path.parent, f"{stem_of(self.path)}-cut")
            between = {**(settings or {}), **({} if epochs is None else {"training.epochs": epochs})}
            steps = steps_of(by, granularity or natural, chosen, data)
            return PrunedRun(in_rounds(self.directory, rule, rounds, between, place, steps).path)
        examined = examine(self.directory, by, granularity or natural, load_images, chosen, data)
        if not examined.same_data:
            warn("the images have changed since the run was trained, so no accuracy is comparable with the run's")
        pruned = prune(examined, rule.rule(examined) if isinstance(rule, Limited) else rule)
        made = write_cut(pruned, Path(path) if path else new_path(self.path.parent, f"{stem_of(self.path)}-cut"))
        return PrunedRun(made.path)


class PrunedRun(Run):
    """A cut of a run, with the weights that it has; it can be cut further."""

    @cached_property
    def report(self) -> CutDocument:
        """What went, what is left, and how well it does."""
        return read_cut(self.directory)

    def retrain(
        self,
        *,
        against: Sequence[str] = (),
        start: Start = "scratch",
        seeds: int | Sequence[int] = 1,
        epochs: int | None = None,
        path: str | Path | None = None,
        data: str | None = None,
        device: str = "auto",
        progress: Callable[[str, int, Trained], object] | None = None,
    ) -> "Retrained":
        """Trains the cut and its baselines, as `connprune retrain` does, one after the other.

        The same call resumes a comparison that was interrupted.

        Args:
            against: the names of baselines, `["parent", "random:10"]`, or paths of runs.
            start: what the cut starts from: `scratch`, fresh weights; `cut`, those that it has, with their gates folded
                in; `early`, those of the epoch that the search kept.
            seeds: how many, from the recipe's own upwards, or which.
            epochs: of each training; None is as the cut's run has it.
            path: a directory for the comparison; None is one in the runs folder.
            data: where the images are now; None is where they were.
            device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
            progress: is told the name of a network, the seed and the results of each training that is done.

        Raises:
            UsageError: a baseline is unknown, or an argument does not suit.
            UnfinishedError: trainings failed.
        """
        if isinstance(against, str):
            raise ArgumentError(Mistake(key="against", found=repr(against), expected="a list of names"))
        if start not in get_args(Start):
            raise UsageError(unknown("start", str(start), get_args(Start)))
        gathered = gather([self.directory], against, epochs, None, warn, start)
        planned = gathered.plan(seed_numbers(seeds, gathered.seed))
        place = Path(path) if path else self.path.parent / f"compare-{planned.identity}"
        plan = begin(place, planned, gathered.candidates, gathered.images)
        chosen = choose_device(device, warn)

        def report(number: int, job: Job, outcome: Trained | str) -> None:
            if isinstance(outcome, str):
                warn(f"{job.candidate} seed {job.seed} failed: {outcome}")
            elif progress is not None:
                progress(job.candidate, job.seed, outcome)

        if plan.unfinished:
            plan.note("running")
            with plan.run.status_on_error(plan.require_same), stopping() as stop:
                failed = work(plan, load_images, chosen, stop, report, data)
            if left := plan.unfinished:
                why = failed.get(left[0].run.path, "another process is training it.")
                raise UnfinishedError(f"{len(left)} of {len(plan.jobs)} trainings are not finished; the first: {why}")
        document = collect(plan, lambda networks: latencies(networks, chosen))
        plan.require_same()
        write_document(plan.run.comparison, document)
        plan.note("finished")
        return Retrained(document)
