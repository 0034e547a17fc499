"""The configuration of a network that grew from a run's: its architecture, and the run's data and recipe."""

from collections.abc import Sequence
from pathlib import Path

from connprune.architecture.allowed import allowed, open_gates
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.architecture.gates import Constant, CostBudget, FromRun, Gates
from connprune.architecture.growing import gated, grown
from connprune.architecture.growth import Growth
from connprune.architecture.shapes import gate_count, mac_count, parameter_count
from connprune.architecture.strict_yaml import Document
from connprune.data.formats import format_of
from connprune.data.named import SOURCES
from connprune.data.settings import DataSettings
from connprune.errors import UsageError
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, read_configuration, require_gates, validated
from connprune.training.first import first_architecture
from connprune.training.layered import Layered, Setting


def searched(run: RunDirectory) -> Architecture:
    """The network that was searched in: of a cut what it was cut from first, of any other run its own.

    Raises:
        UsageError: as `first_architecture` does.
    """
    return first_architecture(run) if run.parent.is_file() else run.architecture()


def grown_configuration(
    run: RunDirectory,
    block: Architecture,
    growth: Growth,
    has_gates: bool = False,
    settings: Sequence[Setting] = (),
) -> tuple[Configuration, Architecture]:
    """What a block grows to, with the data and the recipe of a run.

    Args:
        run: whose.
        block: what grows.
        growth: how.
        has_gates: whether its connections get the gates of the search again, to be searched once more.
        settings: single keys, laid over all.

    Raises:
        UsageError: as `grown` does; the search had no gates; or the result is no valid configuration.
    """
    architecture = grown(block, growth)
    if has_gates:
        architecture = gated(architecture, block, growth, _gates(run))
    before = read_configuration(run)
    base = before.to_data(architecture)
    # Nothing is cut from the epoch that a search in the small network kept.
    once = Setting("training.keep_early", None)
    named = validated(Layered(Document(base)).over([once, *settings])).data
    of_images = _of_images(named, before.data, growth.shape)
    configuration = validated(Layered(Document(base)).over([once, *of_images, *settings]))
    designed = configuration.architecture_for(growth.shape, growth.classes)
    require_gates(designed)
    return configuration, designed


def _of_images(data: DataSettings, searched_on: DataSettings, shape: Shape) -> list[Setting]:
    """What the search said of its own images only, said of those that the grown network sees."""
    found = []
    if data.source != searched_on.source:
        found.append(Setting("data.train_images", None))
    is_folder = data.source not in SOURCES and format_of(Path(data.source)) is None
    if is_folder and not data.as_sequence and shape.feature_maps in (1, 3):
        found += [Setting("data.size", list(shape.size)), Setting("data.channels", shape.feature_maps)]
    return found


def _gates(run: RunDirectory) -> Gates:
    """The gates that the network of a run was searched with; their budgets as shares of it.

    Raises:
        UsageError: it had none.
    """
    whole = searched(run)
    gates = whole.gates
    if gates is None:
        raise UsageError(f"{run.path}: its search had no gates that the grown network could have.")
    changes: dict[str, object] = {}
    if isinstance(gates.initialisation, FromRun):
        changes["initialisation"] = Constant()
    if gates.budget is not None:
        counts = {"parameters": parameter_count(whole), "macs": mac_count(whole)}
        most = allowed(whole)
        changes["budget"] = CostBudget(**{name: _share(most[name], counts[name]) for name in most})
    if isinstance(gates.open, int):
        changes["open"] = _share(open_gates(whole), gate_count(whole))
    return gates.model_copy(update=changes)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.4g}%"
