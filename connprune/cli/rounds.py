"""A cut in rounds: what the options of `prune` say of it, and the work itself with what is told of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli.cutting import Cutting, told_cut
from connprune.cli.output import Output
from connprune.cli.session import load_images, train_to_end

if TYPE_CHECKING:
    from connprune.architecture.rules import Rule
    from connprune.data.images import Dataset
    from connprune.data.splits import Splits
    from connprune.documents.rounds import RoundsDocument
    from connprune.experiments.rounds import Place, Steps
    from connprune.runs.directory import RunDirectory
    from connprune.training.configuration import Configuration
    from connprune.training.pruning import Examined, Pruned


@dataclass(frozen=True)
class Rounds:
    """What the options say of rounds.

    Attributes:
        count: how many.
        epochs: of each training between two; None is as the run has it.
        assignments: of single keys of its recipe, its gates and its run.
        resume: whether rounds that were begun are resumed.
    """

    count: int
    epochs: int | None
    assignments: tuple[str, ...]
    resume: bool

    @property
    def are_wanted(self) -> bool:
        """Whether this is more than one cut."""
        return self.count > 1 or self.resume

    @property
    def settings(self) -> tuple[str, ...]:
        """Those of the training between two rounds."""
        return (*self.assignments, *(() if self.epochs is None else (f"training.epochs={self.epochs}",)))

    def require_together(self, cutting: Cutting, out: Path | None, dry_run: bool, sweep: bool) -> None:
        """Refuses what goes with several rounds alone, and what does not go with them.

        Raises:
            UsageError: so it is.
        """
        from connprune.architecture.rules import KeepPerLayer, Threshold
        from connprune.cli import options
        from connprune.errors import UsageError

        if not self.are_wanted:
            if self.settings:
                raise UsageError("--epochs and --set go with --rounds: they are of the training between two rounds.")
            return
        if sweep:
            raise UsageError("--sweep goes without --rounds: it tries thresholds on one run.")
        options.assigned(list(self.assignments))
        if self.resume and (out is None or dry_run):
            raise UsageError("--resume goes with --out, the cut whose rounds are resumed, and without --dry-run.")
        if isinstance(cutting.rule, Threshold | KeepPerLayer):
            raise UsageError(
                "--rounds approaches what is to be left: give --keep, --sparsity or a rule that begins with --max; "
                "--threshold and --keep-per-layer say that of no round but the last."
            )


def prune_in_rounds(
    run: str | None,
    out: Path | None,
    folder: Path,
    cutting: Cutting,
    rounds: Rounds,
    device: str,
    data: str | None,
    dry_run: bool,
    output: Output,
) -> None:
    """Cuts a run in rounds, from the beginning or from where they were interrupted, and prints the last cut.

    Raises:
        UsageError: the run cannot be cut so, or the rounds were begun otherwise.
        DisconnectedError: a round would leave no path from the input to the head.
    """
    from connprune.experiments.rounds import Place, begin, work
    from connprune.runs.cut import read_cut
    from connprune.runs.find import find, new_path, stem_of

    if rounds.resume and out is not None and (Place(out).is_begun or rounds.count == 1):
        place, document = Place(out), _as_begun(Place(out), run, cutting, rounds)
        asked = document.asked
        steps = _steps(Cutting.of(None, asked.by, asked.granularity, asked.layers_only), device, data, output)
    else:
        parent = find(run, folder, "train", pass_over=True, warn=output.warning)
        cutting.require_rule(parent.architecture().gates)
        steps = _steps(cutting, device, data, output)
        document = _planned(parent, cutting, rounds, steps)
        if dry_run:
            output.plan(document)
            return
        place = Place(out or new_path(folder, f"{stem_of(parent.path)}-cut"))
        begin(place, document)
    cut = work(place, document, steps)
    output.result(str(cut.path), read_cut(cut).model_copy(update={"path": str(cut.path)}))


def _steps(cutting: Cutting, device: str, data: str | None, output: Output) -> "Steps":
    """The work, shown."""
    from connprune.experiments.rounds import Steps, once
    from connprune.training.device import choose_device

    def load(configuration: "Configuration") -> "Dataset":
        return load_images(configuration, output)

    def examine(run: "RunDirectory") -> "Examined":
        return cutting.examine(run, device, data, output, loaded)

    def train(run: "RunDirectory", configuration: "Configuration", splits: "Splits") -> None:
        train_to_end(run, configuration, splits, choose_device(device, output.warning), output)

    def cut(examined: "Examined", rule: "Rule", is_timed: bool) -> "Pruned":
        return told_cut(examined, rule, is_timed, output)

    loaded = once(load, lambda configuration: configuration.data)
    return Steps(loaded, once(examine, lambda run: run.path), cut, train, output.note)


def _planned(parent: "RunDirectory", cutting: Cutting, rounds: Rounds, steps: "Steps") -> "RoundsDocument":
    from connprune.documents.rounds import RoundSettings
    from connprune.experiments.rounds import planned

    examined = steps.examine(parent)
    rule = cutting.named_for(examined)
    asked = RoundSettings(
        rule=str(rule),
        by=cutting.by,
        granularity=examined.granularity,
        layers_only=cutting.layers_only,
        settings=rounds.settings,
        rounds=rounds.count,
    )
    return planned(rule, examined, asked)


def _as_begun(place: "Place", run: str | None, cutting: Cutting, rounds: Rounds) -> "RoundsDocument":
    """What was begun there, which must be what the options say, if they say something."""
    from connprune.documents.rounds import RoundSettings
    from connprune.errors import UsageError
    from connprune.experiments.rounds import read

    document = read(place)
    if run not in (None, "-") and str(Path(str(run)).resolve()) != document.parent:
        raise UsageError(f"{place.path}: the run that was cut first is {document.parent}, not {run}.")
    if cutting.rule is None and rounds.count == 1 and not rounds.settings:
        return document
    asked = RoundSettings(
        rule=str(cutting.rule or document.asked.rule),
        by=cutting.by,
        granularity=cutting.granularity or document.asked.granularity,
        layers_only=cutting.layers_only,
        settings=rounds.settings,
        rounds=rounds.count,
    )
    return read(place, asked)
