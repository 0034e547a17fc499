"""What `connprune train` is asked to train: a new run, or one to resume."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli import options
from connprune.cli.output import Output
from connprune.cli.session import load_images, split_images, train_to_end

if TYPE_CHECKING:
    import torch

    from connprune.architecture.architecture import Architecture
    from connprune.documents.lists import PlannedTraining
    from connprune.documents.run import Trained
    from connprune.runs.directory import RunDirectory
    from connprune.training.configuration import Configuration
    from connprune.training.group import Group
    from connprune.training.layered import Layered, Setting


@dataclass(frozen=True)
class Wanted:
    """What the options say.

    Attributes:
        preset: the preset to start from; None is none.
        config: likewise the file.
        assignments: of single keys.
        data: where the images are; None is where the configuration or the run has them.
        epochs: as the options say; None is as the configuration has it.
        seed: likewise.
        run: the directory; None is a new one, or with `resume` the newest.
        folder: where runs are kept.
        resume: whether a run that is there is resumed.
        source: the cut that is searched in; None is none.
    """

    preset: str | None
    config: Path | None
    assignments: list[str]
    data: str | None
    epochs: int | None
    seed: int | None
    run: Path | None
    folder: Path
    resume: bool
    source: str | None = None

    def training(self, group: "Group", output: Output) -> "Training":
        """What is trained by the processes of a group.

        Raises:
            UsageError: the options, the configuration or the run to resume do not allow it.
        """
        from connprune.errors import UsageError

        if self.source is not None and (self.preset or self.config):
            raise UsageError("--from takes the configuration of the cut; leave out --preset and --config.")
        before: RunDirectory | None = group.from_first(self._before(output) if group.rank == 0 else None)
        if before:
            return self._resumed(before, output)
        return self._new(group, output) if self.source is None else self._in_cut(self.source, group, output)

    def _before(self, output: Output) -> "RunDirectory | None":
        """The run to resume: the user's choice, or what this launch began before torchrun started it anew.

        None is a new one, if the options tell what that would train; else a mistyped path would.
        """
        from connprune.errors import UsageError
        from connprune.files import require_empty
        from connprune.runs.directory import RunDirectory
        from connprune.runs.find import directories, find, of_launch, run_paths
        from connprune.training.group import launch

        run = self.run
        launched = of_launch([run] if run else directories(self.folder), launch())
        if launched or not self.resume:
            return launched
        is_new = not (RunDirectory(run).summary_file.is_file() if run else run_paths(self.folder))
        if is_new and (self.preset or self.config or self.source):
            if run:
                require_empty(run)
            output.note(f"there is nothing to go on with{f' in {run}' if run else ''} yet: a new training begins")
            return None
        directory = find(str(run) if run else None, self.folder, "train", warn=output.warning)
        if directory.kind != "train":
            raise UsageError(
                f"{directory.path}: this is no training that `connprune train` began, but a {directory.kind}."
            )
        return directory

    def _resumed(self, before: "RunDirectory", output: Output) -> "Training":
        from connprune.errors import UsageError
        from connprune.training.advice import advice_on_extending
        from connprune.training.configuration import read_configuration, resolve_resumed
        from connprune.training.images import moved

        searched = before.summary.parent
        if self.source not in (None, "-") and str(Path(str(self.source)).resolve()) != searched:
            raise UsageError(f"{before.path}: this search is in {searched or 'no cut'}, not in {self.source}.")
        # --data is among the values; $CONNPRUNE_DATA says where the images are if it is not given.
        configuration = resolve_resumed(before, self.preset, self.config, self._settings())
        if caution := advice_on_extending(read_configuration(before), configuration):
            output.warning(caution)
        return Training(self, configuration if self.data else moved(configuration, None), before.architecture(), before)

    def _in_cut(self, source: str, group: "Group", output: Output) -> "Training":
        """A search in a cut; the first process alone reads standard input."""
        from connprune.files import require_empty
        from connprune.runs.cut import read_cut
        from connprune.runs.directory import RunDirectory
        from connprune.runs.find import find
        from connprune.training.configuration import of_search_in
        from connprune.training.images import moved

        found = find(source, self.folder, "cut", warn=output.warning).path if group.rank == 0 else Path()
        cut = RunDirectory.open(group.from_first(found))
        read_cut(cut)
        configuration = moved(of_search_in(cut, self._settings(with_data=False)), self.data)
        if self.run and group.rank == 0:
            require_empty(self.run)
        architecture = cut.architecture().replace(gates=configuration.gates)
        return Training(self, configuration, architecture, cut=cut)

    def _new(self, group: "Group", output: Output) -> "Training":
        from connprune.files import require_empty
        from connprune.training.advice import advice
        from connprune.training.configuration import collect, design, validated
        from connprune.training.origins import starting_sentence

        layered = collect(self.preset, self.config, self._settings())
        configuration = validated(layered)
        architecture = design(configuration)
        output.note(starting_sentence(layered, self.preset, self.config))
        if self.run and group.rank == 0:
            require_empty(self.run)
        for sentence in advice(configuration, architecture):
            output.note(f"Note: {sentence}")
        return Training(self, configuration, architecture, layered=layered)

    def _settings(self, with_data: bool = True) -> "list[Setting]":
        """Single keys that the options set, each with the option."""
        from connprune.mistakes import Mark
        from connprune.training.layered import Setting

        chosen = (
            ("--data", "data.source", self.data if with_data else None),
            ("--epochs", "training.epochs", self.epochs),
            ("--seed", "training.seed", self.seed),
        )
        return [
            *options.assigned(self.assignments),
            *(
                Setting(key, value, Mark(source=f"{option} {value}"))
                for option, key, value in chosen
                if value is not None
            ),
        ]


@dataclass(frozen=True)
class Training:
    """A training that is about to begin or to be resumed.

    Attributes:
        wanted: what the options say.
        configuration: in full.
        architecture: what is trained.
        before: the run that is resumed; None is a new one.
        layered: what a new one's configuration was resolved from; None of one that is resumed.
        cut: the cut that is searched in; None is none, or one that is resumed.
    """

    wanted: Wanted
    configuration: "Configuration"
    architecture: "Architecture"
    before: "RunDirectory | None" = None
    layered: "Layered | None" = None
    cut: "RunDirectory | None" = None

    def plan(self, explain: bool) -> "tuple[str, PlannedTraining]":
        """What a dry run says, with `explain` of a new training also where each value comes from; and its document."""
        from connprune.architecture.shapes import mac_count, parameter_count
        from connprune.documents.lists import PlannedTraining
        from connprune.training.origins import explained

        text = self.configuration.to_yaml(self.architecture)
        told = explained(self.configuration, self.architecture, self.layered) if explain and self.layered else None
        document = PlannedTraining(
            configuration=text,
            gated_connections=len(self.architecture.gated_connections),
            parameters=parameter_count(self.architecture),
            macs=mac_count(self.architecture),
            explained=told,
        )
        return (told or text).rstrip(), document

    def train(self, device: "torch.device", group: "Group", output: Output) -> "tuple[RunDirectory, Trained]":
        """Trains to the end, on one device of a group; returns the run and its summary."""
        from connprune.runs.cut import read_cut
        from connprune.runs.directory import RunDirectory
        from connprune.training.events import require_available
        from connprune.training.group import in_turn
        from connprune.training.images import require_same_images

        require_available(self.configuration.run)
        # One after the other, so that a cache is only made once.
        images = in_turn(group, lambda: load_images(self.configuration, output))
        splits = split_images(self.configuration, images, output)
        before = self.before
        if self.cut:
            require_same_images(self.cut, self.configuration, read_cut(self.cut).data_digest, splits.digest)
        if group.rank == 0 and not before:
            before = self._begin_in(self.cut, splits.digest) if self.cut else self._begin(splits.digest)
        directory = RunDirectory.open(group.from_first(before.path if before else Path()))
        return directory, train_to_end(directory, self.configuration, splits, device, output, group)

    def _begin_in(self, cut: "RunDirectory", data_digest: str) -> "RunDirectory":
        from connprune.runs.find import new_path, stem_of
        from connprune.training.group import launch
        from connprune.training.start import begin_search

        wanted = self.wanted
        path = wanted.run or new_path(wanted.folder, f"{stem_of(cut.path)}-search")
        return begin_search(cut, self.configuration, path, data_digest, launch())

    def _begin(self, data_digest: str) -> "RunDirectory":
        from connprune.runs.directory import RunDirectory
        from connprune.runs.find import new_path, stem_of
        from connprune.training.group import launch

        wanted = self.wanted
        origin = wanted.preset or (stem_of(wanted.config) if wanted.config else "search")
        return RunDirectory.create(
            wanted.run or new_path(wanted.folder, origin),
            "train",
            self.configuration.to_yaml(self.architecture),
            self.architecture,
            data_digest=data_digest,
            origin=origin,
            launch=launch(),
        )
