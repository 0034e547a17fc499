"""A cut that is trained by itself, and the one training of a comparison that a command does."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli.output import Output
from connprune.cli.report import Report
from connprune.cli.session import load_images, split_images, tell_classes, train_to_end
from connprune.cli.showing import show

if TYPE_CHECKING:
    from torch import Tensor

    from connprune.architecture.architecture import Architecture
    from connprune.data.splits import Splits
    from connprune.documents.run import Start, Trained
    from connprune.runs.directory import RunDirectory
    from connprune.training.configuration import Configuration
    from connprune.training.layered import Setting


@dataclass(frozen=True)
class Recipe:
    """What the options say of how a cut is trained.

    Attributes:
        start: what its weights start from.
        settings: keys of the recipe.
        epochs: None is as the cut's run has it.
        seed: likewise.
    """

    start: "Start"
    settings: "tuple[Setting, ...]"
    epochs: int | None
    seed: int | None

    def over(self, configuration: "Configuration") -> "Configuration":
        """A configuration with this recipe.

        Raises:
            UsageError: as `with_recipe` does.
        """
        from connprune.training.configuration import with_recipe

        return with_recipe(configuration, epochs=self.epochs, seed=self.seed, settings=self.settings)


def require_as_begun(directory: "RunDirectory", cut: str | None, recipe: Recipe) -> None:
    """Refuses to go on with a run that was begun otherwise than the command says."""
    from connprune.errors import UsageError
    from connprune.training.configuration import differences, read_configuration

    if cut is None and recipe == Recipe("scratch", (), None, None):
        return
    if directory.kind != "retrain":
        raise UsageError(
            f"--resume goes on with {directory.path} as it began; leave out CUT, --from, --set, --epochs and --seed."
        )
    before, parent = read_configuration(directory), directory.summary.cut
    differs = differences(before, recipe.over(before))
    if cut is not None and parent != str(Path(cut).resolve()):
        differs.insert(0, f"CUT (was {parent}, now {Path(cut).resolve()})")
    was = directory.summary.start or "scratch"
    if (cut is not None or recipe.start != "scratch") and recipe.start != was:
        differs.append(f"--from (was {was}, now {recipe.start})")
    if differs:
        raise UsageError(f"--resume goes on with {directory.path} as it began, but this differs: {', '.join(differs)}.")


@dataclass(frozen=True)
class Retraining:
    """What a cut is trained with.

    Attributes:
        cut: the cut; None of a training that belongs to a comparison.
        configuration: recipe and data.
        splits: the images.
        network: of a new run: what is trained, and its weights, of which None are fresh ones.
    """

    cut: "RunDirectory | None"
    configuration: "Configuration"
    splits: "Splits"
    network: "tuple[Architecture, dict[str, Tensor] | None] | None" = None

    @classmethod
    def new(cls, cut: "RunDirectory", recipe: Recipe, data: str | None, output: Output) -> "Retraining":
        """Loads what a new run takes, before it is made, and says which gates could not be folded in.

        Raises:
            UsageError: there are no weights to start from, or other images than the cut's.
        """
        from connprune.training.configuration import read_configuration
        from connprune.training.start import started

        configuration = recipe.over(read_configuration(cut))
        network = started(cut, recipe.start)
        if left := len(network[0].gated_connections):
            output.note(
                f"{left} of {len(cut.architecture().gated_connections)} gates stay, as weights that nothing penalises: "
                "what they act on is added up or normalised before other weights read it"
            )
        return replace(cls._loaded(cut, cut, configuration, data, output), network=network)

    @classmethod
    def of(cls, run: "RunDirectory", data: str | None, output: Output) -> "Retraining":
        """Loads what a run that is there takes.

        Raises:
            UsageError: the cut that it names is not there, or is not the one that it was begun with.
        """
        from connprune.errors import UsageError
        from connprune.runs.directory import RunDirectory
        from connprune.training.configuration import read_configuration

        named = run.summary.cut
        cut = RunDirectory.open(Path(named)) if named else None
        if cut and run.summary.cut_digest not in (None, cut.digest()):
            raise UsageError(
                f"{run.path}: {cut.path} is another cut than the one that it was begun with; put that one there again, "
                "or start a new run."
            )
        return cls._loaded(run, cut, read_configuration(run), data, output)

    @classmethod
    def _loaded(
        cls,
        run: "RunDirectory",
        cut: "RunDirectory | None",
        before: "Configuration",
        data: str | None,
        output: Output,
    ) -> "Retraining":
        from connprune.runs.cut import read_cut
        from connprune.training.images import moved, require_same_images

        images_of_cut = read_cut(cut).data_digest if cut else None
        configuration = moved(before, data)
        splits = split_images(configuration, load_images(configuration, output), output)
        known = run.summary.data_digest or images_of_cut
        if configuration.data.source != before.data.source:
            require_same_images(run, configuration, known, splits.digest)
        elif images_of_cut not in (None, splits.digest):
            output.warning("the images have changed since the parent was trained, so the rows are not comparable")
        return cls(cut, configuration, splits)

    def begin(self, cut: "RunDirectory", path: Path, start: "Start") -> "RunDirectory":
        """A new run that trains the cut.

        Raises:
            UsageError: the path holds something.
        """
        from connprune.runs.directory import RunDirectory
        from connprune.training.start import started

        architecture, weights = self.network or started(cut, start)
        return RunDirectory.create(
            path,
            "retrain",
            self.configuration.to_yaml(architecture),
            architecture,
            initial=weights,
            cut=str(cut.path.resolve()),
            cut_digest=cut.digest(),
            start=None if weights is None else start,
            data_digest=self.splits.digest,
            origin=cut.summary.origin,
        )


def train_alone(
    retraining: Retraining,
    directory: "RunDirectory",
    device: str,
    figures: Path | None,
    report: Report,
    output: Output,
) -> None:
    """Trains one run to its end, and sets it beside its cut unless it is a comparison's, which does that itself."""
    from connprune.errors import UsageError
    from connprune.experiments.retrained import compare
    from connprune.report.comparison import comparison_text
    from connprune.runs.cut import read_cut
    from connprune.runs.links import write_document
    from connprune.training.device import choose_device

    source = retraining.cut
    if figures and not source:
        raise UsageError(f"--figures: {directory.path} is a comparison's, which draws it.")
    chosen = choose_device(device, output.warning)
    summary = train_to_end(directory, retraining.configuration, retraining.splits, chosen, output)
    tell_classes(summary, retraining.configuration.data.source, output)
    if source:
        with directory.locked():
            directory.require_as_left(summary)
            comparison = compare(source, read_cut(source), directory)
            write_document(directory.comparison, comparison)
        output.note(comparison_text(comparison))
        show(comparison, lambda: report.of_retrained(directory), figures, output)
    else:
        _show_training(summary, directory, report, output)


def do_job(directory: "RunDirectory", device: str, data: str | None, report: Report, output: Output) -> None:
    """Does one job of an experiment."""
    from connprune.experiments.worker import SplitImages, locked_job_in_turns
    from connprune.signals import Stop
    from connprune.training.device import choose_device
    from connprune.training.turns import finished

    chosen = choose_device(device, output.warning)
    with Stop() as stop, directory.locked():
        splits = SplitImages(lambda found: load_images(found, output), chosen, data)
        summary = finished(locked_job_in_turns(directory, splits, chosen, stop))
    _show_training(summary, directory, report, output)


def _show_training(summary: "Trained", directory: "RunDirectory", report: Report, output: Output) -> None:
    made = {"path": str(directory.path)}
    try:
        made |= report.of_retrained(directory)
    finally:
        output.result(str(directory.path), summary.model_copy(update=made))
