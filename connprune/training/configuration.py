"""The configuration of a run: an architecture, its data and its recipe. Defaults < YAML < command line."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from connprune.architecture.allowed import allowed, open_gates
from connprune.architecture.architecture import Architecture, Blueprint, Input
from connprune.architecture.base import ClassCount, Shape
from connprune.architecture.explain import explain
from connprune.architecture.files import to_data
from connprune.architecture.gates import FromRun, Gates
from connprune.architecture.presets import preset_document
from connprune.architecture.shapes import brought_maps
from connprune.architecture.strict_yaml import Document, dump, parse
from connprune.data.settings import DataSettings, Divisor
from connprune.data.shape import image_shape
from connprune.errors import UsageError
from connprune.files import absolute, read_text
from connprune.mistakes import NOWHERE, Mistake
from connprune.names import one_of
from connprune.runs.settings import RunSettings
from connprune.training.batch_sizes import require_enough
from connprune.training.layered import Layered, Setting
from connprune.training.recipe import Recipe

if TYPE_CHECKING:
    from connprune.runs.directory import RunDirectory

DEFAULT_PRESET = "search"
# A wiring by its name, which validation writes out.
_DENSE: Any = "dense"

# What the keys of the recipe begin with.
RECIPE_PREFIX = "training."

# And those of what a search in a cut may have of its own.
_SEARCHED = ("training.", "gates.", "run.")

# What may differ when a run goes on, besides `run`: it may be extended, and its images are known by their digest.
_FREE = ("training.epochs", "data.source", "data.cache")


class Configuration(Blueprint):
    """All that decides a run.

    Attributes:
        connections: for each target the sources it reads, as `{target: [source, …]}`; `dense`, `chain`, `residual` and
            `complete` stand for the reference wirings and are written out.
        input: the shape of the images; None is what the data have.
        classes: how many; None is what the data have.
        data: which images, and what happens to them.
        training: the recipe.
        run: what a run leaves besides what later commands need.
    """

    connections: dict[str, tuple[str, ...]] = Field(default_factory=lambda: _DENSE, validate_default=True)
    input: Input | None = None
    classes: ClassCount | None = None
    data: DataSettings = DataSettings()
    training: Recipe = Recipe()
    run: RunSettings = RunSettings()

    def architecture_for(self, shape: Shape, classes: int) -> Architecture:
        """The architecture for images of this shape.

        Raises:
            UsageError: the configuration states another shape or number of classes, or the images are too small.
        """
        stated = Shape(self.input.feature_maps, self.input.height, self.input.width) if self.input else shape
        if stated != shape:
            whose = "as the images of the data are (feature maps@side)"
            raise UsageError(Mistake(key="input", found=str(stated), expected=f"{shape}, {whose}"))
        if self.classes not in (None, classes):
            raise UsageError(Mistake(key="classes", found=str(self.classes), expected=f"{classes}, as the data have"))
        try:
            return self.with_input(shape, classes)
        except ValidationError as error:
            raise UsageError(*explain(error, Architecture, Document({}))) from None

    def seeded(self, seed: int) -> "Configuration":
        """The same with another seed of the training; the split of the images keeps its own."""
        return self.model_copy(update={"training": self.training.model_copy(update={"seed": seed})})

    def with_found(self, span: tuple[int, int] | None, divide: Divisor) -> "Configuration":
        """The same with what was found in the data, unless it is stated.

        Args:
            span: the range of values in files of more than 8 bits.
            divide: what `data.normalise.divide: auto` stands for.
        """
        data = self.data
        if data.range is None and span is not None:
            data = data.model_copy(update={"range": span})
        if data.normalise.divide == "auto":
            data = data.model_copy(update={"normalise": data.normalise.model_copy(update={"divide": divide})})
        return self.model_copy(update={"data": data})

    def with_precision(self, precision: Literal["auto", "float32", "tf32", "bfloat16"]) -> "Configuration":
        """The same with what `auto` stands for where the run began, unless a precision is stated."""
        if self.training.precision != "auto":
            return self
        return self.model_copy(update={"training": self.training.model_copy(update={"precision": precision})})

    def to_data(self, architecture: Architecture) -> dict[str, object]:
        """Plain data, with everything that the data decided filled in from the architecture."""
        return {**to_data(architecture), **self.model_dump(mode="json", include={"data", "training", "run"})}

    def to_yaml(self, architecture: Architecture) -> str:
        """The same as YAML."""
        return dump(self.to_data(architecture))


def design(configuration: Configuration, images: tuple[Shape, int] | None = None) -> Architecture:
    """The architecture that a user asks for; a cut may have merges that nobody would ask for.

    Args:
        configuration: what is asked for.
        images: the shape of one image, and the number of classes; None is what the data have.

    Raises:
        UsageError: see `architecture_for` and `image_shape`; a merge would give more feature maps than it reads; or
            the batches are too small; or the gates are given a target and there are none, a budget of nothing, or
            one of more gates than there are.
    """
    architecture = configuration.architecture_for(*(images or image_shape(configuration.data)))
    require_gates(architecture)
    for target in architecture.connections:
        merge, maps = architecture.merge_of(target), brought_maps(architecture, target)
        if merge.feature_maps is not None and merge.feature_maps > maps:
            raise UsageError(
                Mistake(
                    key=f"merges.{target}.feature_maps",
                    found=str(merge.feature_maps),
                    expected=f"at most {maps}, as many feature maps as {merge.aggregate} reads here",
                    hint="give this merge fewer, or another aggregate",
                )
            )
    require_enough(architecture, configuration.training.batch_size)
    return architecture


def require_gates(architecture: Architecture) -> None:
    """Refuses what no gates of this architecture can reach.

    Raises:
        UsageError: the gates are given a target and there are none, a budget of nothing, or one of more gates than
            there are.
    """
    _require_any_gate(architecture)
    allowed(architecture)
    open_gates(architecture)


def _require_any_gate(architecture: Architecture) -> None:
    """Refuses a target for gates where no connection has one."""
    gates = architecture.gates
    if gates is None or architecture.gated_connections:
        return
    for key in ("budget", "target_sparsity", "open"):
        if getattr(gates, key) is not None:
            raise UsageError(
                Mistake(
                    "no connection has a gate that could reach it; gates.ungated names "
                    f"{', '.join(gates.ungated or ())}, which is every target",
                    key=f"gates.{key}",
                    hint=f"give gates.ungated fewer, or leave gates.{key} out",
                )
            )


def resolve(
    preset: str | None = None,
    config: Path | None = None,
    assignments: Iterable[str] = (),
    settings: Iterable[Setting] = (),
) -> Configuration:
    """The configuration that presets, a YAML file and the command line add up to.

    Args:
        preset: the preset to start from; without one see `starting_point`.
        config: a YAML file.
        assignments: `key.path=value`, each laid over the rest in order.
        settings: the same, read already, laid over all.

    Raises:
        UsageError: something is no valid configuration; it has each mistake.
    """
    return validated(collect(preset, config, [*map(Setting.read, assignments), *settings]))


def resolve_document(document: Document, settings: Iterable[Setting] = ()) -> Configuration:
    """As `resolve`, for a YAML document that is already read."""
    return validated(on_starting_point(document).over(settings))


def collect(
    preset: str | None = None,
    config: Path | None = None,
    settings: Iterable[Setting] = (),
) -> Layered:
    """What `resolve` makes a configuration of: every value that is stated, with the place that states it.

    Raises:
        UsageError: a file is no YAML, there is no such preset, or a setting has no place.
    """
    document = parse(read_text(config), str(config)) if config else Document({})
    return on_starting_point(document, preset).over(settings)


def starting_point(document: Document, preset: str | None = None) -> str | None:
    """The preset that a document is laid over; None is no preset, but the defaults of the keys.

    Args:
        document: a configuration; one with layers of its own is a network of its own, and gets nothing of another's
            unless it names a preset.
        preset: what the user names besides.
    """
    named = preset if preset is not None else document.data.get("preset")
    if named is None:
        return None if "layers" in document.data else DEFAULT_PRESET
    return str(named)


def on_starting_point(document: Document, preset: str | None = None) -> Layered:
    """As `collect`, for a YAML document that is already read."""
    base = starting_point(document, preset)
    layered = Layered(base=base)
    if base is not None:
        try:
            below = _presets(base)
        except UsageError as error:
            mark = document.marks.get(("preset",), NOWHERE) if preset is None else NOWHERE
            raise UsageError(*(replace(mistake, mark=mark) for mistake in error.mistakes)) from None
        for preset_below in below:
            layered.add(preset_below)
    layered.add(_own(document))
    return layered


def _presets(name: str) -> list[Document]:
    """A preset, after the one that it starts from itself.

    Raises:
        UsageError: there is no such preset.
    """
    document = preset_document(name)
    below = document.data.get("preset")
    return [*(_presets(str(below)) if below else ()), _own(document)]


def _own(document: Document) -> Document:
    """A document without the preset that it starts from."""
    return Document({key: value for key, value in document.data.items() if key != "preset"}, document.marks)


def validated(layered: Layered) -> Configuration:
    """The configuration that values add up to, with every default filled in.

    Raises:
        UsageError: it is none; it has each mistake.
    """
    try:
        found = Configuration.model_validate(layered.data)
    except ValidationError as error:
        raise UsageError(*explain(error, Configuration, layered.document)) from None
    data = found.data.located()
    if data.split_seed is None:
        data = data.model_copy(update={"split_seed": found.training.seed})
    return found.model_copy(update={"data": data, "gates": _located(found.gates)})


def resolve_resumed(
    run: "RunDirectory", preset: str | None, config: Path | None, settings: Iterable[Setting]
) -> Configuration:
    """The configuration to go on with: the run's own, in which the number of epochs may have grown, and `run` changed.

    The images may be at another place; whether they are the same is seen once they are loaded.

    Args:
        run: the run to go on with.
        preset: as for `resolve`; without it and `config` the rest is laid over the run's own configuration.
        config: as for `resolve`.
        settings: as for `resolve`.

    Raises:
        UsageError: another setting differs, or the number of epochs has fallen.
    """
    saved = read_configuration(run)
    if preset or config:
        wanted = resolve(preset, config, settings=settings)
    else:
        layered = Layered(parse(run.text(run.config), str(run.config)))
        wanted = validated(layered.over(settings))
    if wanted.input is None:
        wanted = wanted.model_copy(update={"input": saved.input, "classes": saved.classes})
    wanted = wanted.with_found(saved.data.range, saved.data.normalise.divide).with_precision(saved.training.precision)
    changed = _differences(saved.model_dump(mode="json"), wanted.model_dump(mode="json"))
    extends = wanted.training.epochs >= saved.training.epochs
    others = [
        f"{key} (was {before!r}, now {after!r})"
        for key, before, after in changed
        if key not in _FREE and not key.startswith("run.")
    ]
    if others or not extends:
        found = "; ".join(others) or f"training.epochs (was {saved.training.epochs}, now {wanted.training.epochs})"
        raise UsageError(f"{run.path}: only training.epochs may be extended, but these differ: {found}.")
    return wanted


def _differences(before: Any, after: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        keys = dict.fromkeys([*before, *after])
        nested = (_differences(before.get(key), after.get(key), f"{path}.{key}".lstrip(".")) for key in keys)
        return [difference for found in nested for difference in found]
    return [] if before == after else [(path, before, after)]


def with_recipe(
    configuration: Configuration, *, epochs: int | None, seed: int | None, settings: Iterable[Setting] = ()
) -> Configuration:
    """The configuration of a retraining: with other values in its recipe. The split of the images stays.

    Args:
        configuration: that of the search.
        epochs: how many; None leaves it.
        seed: likewise.
        settings: other keys of `training`, under these two.

    Raises:
        UsageError: a number is out of range, or a key is another section's.
    """
    settings = list(settings)
    foreign = next((each for each in settings if not each.path.startswith(RECIPE_PREFIX)), None)
    if foreign is not None:
        expected = f"a key that begins with {RECIPE_PREFIX}, since a retraining has its own recipe and nothing else"
        raise UsageError(Mistake(found=repr(foreign.path), expected=expected, mark=foreign.mark))
    values = (("training.epochs", epochs), ("training.seed", seed))
    settings += [Setting(key, value) for key, value in values if value is not None]
    # Nothing is cut from a retraining, so nothing is rewound to its early epochs.
    settings.append(Setting("training.keep_early", None))
    return validated(Layered(Document(configuration.model_dump(mode="json"))).over(settings))


def of_search_in(cut: "RunDirectory", settings: Iterable[Setting] = ()) -> Configuration:
    """The configuration of a search in a cut: the cut's own, with other values for the recipe, the gates and the run.

    Args:
        cut: the cut.
        settings: single keys, laid over it.

    Raises:
        UsageError: the cut has no gates; a key is of another section, or says what the cut's gates are; or the result
            is no valid configuration.
    """
    if not cut.architecture().gated_connections:
        raise UsageError(f"{cut.path}: this cut has no gates left, so there is nothing to search in.")
    settings = list(settings)
    foreign = next((each for each in settings if not each.path.startswith(_SEARCHED)), None)
    if foreign is not None:
        expected = f"a key that begins with {one_of(_SEARCHED)}, since the network and its images are the cut's"
        raise UsageError(Mistake(found=repr(foreign.path), expected=expected, mark=foreign.mark))
    # The epoch that the first search kept is carried on, unless another one is to be kept.
    settings.insert(0, Setting("training.keep_early", None))
    found = validated(Layered(parse(cut.text(cut.config), str(cut.config))).over(settings))
    before, after = cut.architecture().gates, found.gates
    for name in ("kind", "sharing", "ungated"):
        was, now = getattr(before, name), getattr(after, name)
        if now != was:
            raise UsageError(Mistake(key=f"gates.{name}", found=repr(now), expected=f"{was!r}, as the cut's gates are"))
    return found


def differences(before: Configuration, after: Configuration) -> list[str]:
    """What differs, a text for each key."""
    changed = _differences(before.model_dump(mode="json"), after.model_dump(mode="json"))
    return [f"{key} (was {was!r}, now {now!r})" for key, was, now in changed]


def _located(gates: Gates | None) -> Gates | None:
    """The gates with the absolute path of the run that they start from, so that the run can be used from any folder."""
    if gates is None or not isinstance(gates.initialisation, FromRun):
        return gates
    path = absolute(gates.initialisation.run)
    return gates.model_copy(update={"initialisation": gates.initialisation.model_copy(update={"run": path})})


def read_configuration(run: "RunDirectory") -> Configuration:
    """The configuration that a run was made with.

    Raises:
        UsageError: the file is damaged.
    """
    return configuration_in(run, run.config)


def configuration_in(run: "RunDirectory", path: Path) -> Configuration:
    """The configuration in one of a run's files, which states all of it.

    Raises:
        UsageError: the file is damaged.
    """
    return validated(Layered(parse(run.text(path), str(path))))
