"""What a retraining of a cut, or a search in it, starts from."""

from pathlib import Path

import torch
from torch import Tensor

from connprune.architecture.architecture import Architecture
from connprune.documents.run import Start
from connprune.errors import UsageError
from connprune.network.folding import fold_gates
from connprune.network.network import build
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, require_gates
from connprune.training.run import load_weights


def searched(cut: RunDirectory, configuration: Configuration) -> tuple[Architecture, dict[str, Tensor]]:
    """The network of a cut to be searched in, and the weights and gates that it has.

    Args:
        cut: a cut that has gates.
        configuration: as `of_search_in` gives it. Where its temperature starts from another one than the cut's ended
            with, w is scaled, so that every gate starts as it is.

    Raises:
        UsageError: a budget or a number of open gates is more than there is; or the weights are damaged.
    """
    architecture = cut.architecture().replace(gates=configuration.gates)
    require_gates(architecture)
    network = build(architecture)
    load_weights(network, cut.final)
    gates, settings = network.gates, architecture.gates
    if gates is not None and settings is not None and settings.kind_class.has_temperature:
        start = settings.temperature.start
        with torch.no_grad():
            gates.weight.mul_(start / gates.temperature)
            gates.temperature.fill_(start)
    return architecture, dict(network.state_dict())


def begin_search(
    cut: RunDirectory, configuration: Configuration, path: Path, data_digest: str, launch: str | None = None
) -> RunDirectory:
    """A new run that searches on in a cut, of which no epoch is trained yet.

    Args:
        cut: as `searched` takes it.
        configuration: likewise.
        path: a directory that is empty or does not exist.
        data_digest: of the images.
        launch: what tells several processes that train together from others.

    Raises:
        UsageError: as `searched` does; or the directory holds something.
    """
    architecture, weights = searched(cut, configuration)
    parent = str(cut.path.resolve())
    return RunDirectory.create(
        path,
        "train",
        configuration.to_yaml(architecture),
        architecture,
        initial=weights,
        searched=cut,
        start="cut",
        parent=parent,
        ancestry=(*read_cut(cut).ancestry, parent),
        data_digest=data_digest,
        origin=cut.summary.origin,
        launch=launch,
    )


def started(cut: RunDirectory, start: Start) -> tuple[Architecture, dict[str, Tensor] | None]:
    """The network of a cut to be retrained, and its weights; None are fresh ones.

    Args:
        cut: the cut.
        start: `scratch`, fresh weights, no gates; `cut`, the cut's own with their gates folded in; `early`, those of
            the epoch that the search kept, cut as the final ones were, with the gates of that epoch folded in (Frankle,
            Dziugaite, Roy, Carbin 2020; Renda, Frankle, Carbin 2020).

    Raises:
        UsageError: the search has kept no early epoch; or the weights are damaged or of another architecture.
    """
    architecture = cut.architecture()
    if start == "scratch":
        return architecture.without_gates(), None
    if start == "early" and not cut.early.is_file():
        raise UsageError(
            f"{cut.path}: this cut has no weights of an early epoch; train with training.keep_early=EPOCH, and cut "
            "that run."
        )
    network = build(architecture)
    load_weights(network, cut.early if start == "early" else cut.final)
    folded = fold_gates(network)
    return folded.architecture, {name: tensor.contiguous() for name, tensor in folded.state_dict().items()}
