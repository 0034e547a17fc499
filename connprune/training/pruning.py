"""Cuts a run: its architecture shrinks, its trained weights are carried over, and both networks are evaluated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from connprune.architecture.architecture import Architecture
from connprune.architecture.cutting import Cut, GateValues, cut_by_scores, telling_thresholds
from connprune.architecture.rules import Rule, Threshold
from connprune.data.images import Dataset
from connprune.data.splits import Splits
from connprune.documents.cut import CutDocument, Latency, ThresholdRow
from connprune.documents.size import Evaluated, Size
from connprune.errors import UsageError
from connprune.files import whole_directory
from connprune.network.network import Network, build
from connprune.network.slicing import kept_gates, sliced_weights
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory
from connprune.runs.links import write_document
from connprune.tensor_files import write_tensors
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.criteria import Evidence, Split, connection_scores, feature_map_scores, scores_by
from connprune.training.device import device_name
from connprune.training.evaluation import evaluate
from connprune.training.images import moved, require_same_images
from connprune.training.latency import seconds_of_both
from connprune.training.placing import placed
from connprune.training.precision import Precision, precision_on, products_in
from connprune.training.run import load_network, load_weights, split_data

Granularity = Literal["connection", "feature-map"]
GRANULARITIES: dict[Granularity, Callable[[Architecture, Split], GateValues]] = {
    "connection": connection_scores,
    "feature-map": feature_map_scores,
}


@dataclass(frozen=True)
class Pruned:
    """A cut that is not written yet.

    Attributes:
        parent: the run that was cut.
        configuration: the parent's, with its images where they are now.
        cut: the smaller architecture and the report.
        gates: the gates of all the parent's connections.
        weights: the state of the cut network.
        document: everything about the cut, as `cut.json` has it.
    """

    parent: RunDirectory
    configuration: Configuration
    cut: Cut
    gates: GateHistory
    weights: dict[str, torch.Tensor]
    document: CutDocument


@dataclass(frozen=True)
class Examined:
    """A run that can be cut: its network, its gates, and the scores that a criterion gives them.

    Attributes:
        run: the run.
        network: with its final weights, on the device that it is evaluated on.
        gates: their history.
        splits: the images, on the same device.
        same_data: whether they are those that the run was trained on.
        configuration: the run's, with its images where they are now.
        by: the criterion.
        granularity: whether connections or feature maps are scored.
        scores: the scores.
        precision: in which the run was evaluated.
    """

    run: RunDirectory
    network: Network
    gates: GateHistory
    splits: Splits
    same_data: bool
    configuration: Configuration
    by: str
    granularity: Granularity
    scores: GateValues
    precision: Precision

    @property
    def device(self) -> torch.device:
        """Where networks are evaluated."""
        return self.splits.test.labels.device

    @property
    def all_scores(self) -> list[float]:
        """The scores in one list."""
        scores: list[float] = []
        for score in self.scores.values():
            scores += score if isinstance(score, Sequence) else [score]
        return scores


def examine(
    run: RunDirectory,
    by: str,
    granularity: Granularity,
    load: Callable[[Configuration], Dataset],
    device: torch.device,
    data: str | None = None,
) -> Examined:
    """Measures what a cut would go by.

    Args:
        run: a run with gates, or a cut of one.
        by: the name of the criterion, one of `connprune.training.importance.CRITERIA`.
        granularity: whether to score connections or feature maps.
        load: loads the images of a configuration.
        device: where to evaluate.
        data: where the images are now; None is where they were, or $CONNPRUNE_DATA.

    Raises:
        UsageError: the run has no gates, has not ended, or its files are damaged; or there are other images at the new
            place than at the old one.
    """
    architecture = run.architecture()
    if not architecture.gated_connections:
        cut = run.summary.cut
        further = f" To cut further, name what it was retrained from: {cut}." if cut else ""
        raise UsageError(f"{run.path}: this run has no gates, so there is nothing to cut by.{further}")
    network = load_network(run).to(device)
    before = read_configuration(run)
    configuration = moved(before, data)
    splits = placed(split_data(configuration, load(configuration)), device, configuration.training.images)
    known = run.summary.data_digest
    if configuration.data.source != before.data.source:
        require_same_images(run, configuration, known, splits.digest)
    # A score may be a difference of two losses: smaller than what TF32 rounds away, which torch allows in convolutions.
    with products_in("float32", device):
        scores = scores_by(by, Evidence(network, splits.validation, configuration.training.seed))
    return Examined(
        run=run,
        network=network,
        gates=run.read_gates(),
        splits=splits,
        same_data=known in (None, splits.digest),
        configuration=configuration,
        by=by,
        granularity=granularity,
        scores=GRANULARITIES[granularity](architecture, scores),
        precision=precision_on(device, configuration.training.precision),
    )


def prune(examined: Examined, rule: Rule, timed: int | None = None) -> Pruned:
    """Cuts a run, and evaluates the parent and the cut network with the parent's weights.

    Args:
        examined: the run.
        rule: what to cut.
        timed: for how many images at once a forward pass of both is timed; None is not.

    Raises:
        UsageError: the rule asks for something that there is not.
        DisconnectedError: the cut would leave no path from the input to the head.
    """
    run, splits = examined.run, examined.splits
    outcome = cut_by_scores(examined.network.architecture, examined.scores, rule)
    smaller = cut_network(examined, outcome)
    summary, report, parent = run.summary, outcome.report, str(run.path.resolve())
    document = CutDocument(
        path=None,
        parent=parent,
        parent_digest=run.digest(),
        ancestry=(*_ancestry(run), parent),
        data_digest=splits.digest,
        classes=splits.classes,
        by=examined.by,
        granularity=examined.granularity,
        rule=report.rule,
        chosen=tuple(map(str, report.chosen)),
        followed=tuple(map(str, report.followed)),
        removed_layers=report.removed_layers,
        epochs=summary.epochs,
        training_seconds=summary.training_seconds,
        wall_seconds=summary.wall_seconds,
        before=_evaluated(examined, examined.network, report.before),
        after=_evaluated(examined, smaller, report.after),
        latency=None if timed is None else _latency(examined, smaller, timed),
    )
    return Pruned(run, examined.configuration, outcome, examined.gates, smaller.state_dict(), document)


def _evaluated(examined: Examined, network: Network, size: Size) -> Evaluated:
    validation, test = (
        evaluate(network, images, examined.precision) for images in (examined.splits.validation, examined.splits.test)
    )
    return Evaluated(
        **size.plain(),
        validation_loss=validation.loss,
        validation_accuracy=validation.accuracy,
        test_loss=test.loss,
        test_accuracy=test.accuracy,
    )


def _latency(examined: Examined, smaller: Network, batch: int) -> Latency:
    device = examined.device
    seconds = seconds_of_both(examined.network.architecture, smaller.architecture, batch, device)
    return Latency(batch=batch, device=device_name(device), before_seconds=seconds[0], after_seconds=seconds[1])


def sweep(examined: Examined, count: int = 20) -> tuple[ThresholdRow, ...]:
    """What thresholds would leave: from none of the scores to the last that keeps a path, at most `count` rows."""
    architecture = examined.network.architecture
    rows = []
    for threshold in telling_thresholds(architecture, examined.scores, count):
        outcome = cut_by_scores(architecture, examined.scores, Threshold(threshold))
        found = evaluate(cut_network(examined, outcome), examined.splits.validation, examined.precision)
        rows.append(
            ThresholdRow(
                **outcome.report.after.plain(),
                threshold=threshold,
                validation_loss=found.loss,
                validation_accuracy=found.accuracy,
            )
        )
    return tuple(rows)


def cut_network(examined: Examined, outcome: Cut) -> Network:
    """The cut network with the parent's weights, on the parent's device."""
    weights = {name: tensor.cpu() for name, tensor in examined.network.state_dict().items()}
    smaller = build(outcome.architecture)
    smaller.load_state_dict(sliced_weights(examined.network.architecture, weights, outcome))
    return smaller.to(examined.device)


def write_cut(pruned: Pruned, path: Path) -> RunDirectory:
    """Writes the cut as a directory of its own, whole or not at all.

    Args:
        pruned: the cut.
        path: a directory that is empty or does not exist.

    Raises:
        UsageError: the directory is not empty.
        OSError: the disk is full or read-only; the directory is gone again.
    """
    architecture = pruned.cut.architecture
    with whole_directory(path) as temporary:
        run = RunDirectory.create(temporary, "cut", pruned.configuration.to_yaml(architecture), architecture)
        write_tensors(run.final, pruned.weights)
        if pruned.parent.early.is_file():
            write_tensors(run.early, _early_weights(pruned))
        if architecture.gated_connections:
            kept = kept_gates(pruned.parent.architecture(), pruned.cut.kept)
            run.write_gates(pruned.gates.restricted(architecture, kept))
        write_document(run.cut, pruned.document.model_copy(update={"path": str(run.path)}))
        origin = pruned.parent.parent if pruned.parent.parent.is_file() else pruned.parent.config
        run.write(run.parent, pruned.parent.text(origin))
        before = pruned.parent.summary
        run.summarise(
            status="finished",
            parent=pruned.document.parent,
            data_digest=pruned.document.data_digest,
            classes=pruned.document.classes,
            origin=before.origin,
            data=before.data,
            values=before.values,
            seed=before.seed,
        )
    return RunDirectory.open(path)


def _early_weights(pruned: Pruned) -> dict[str, torch.Tensor]:
    """The weights of the parent's early epoch, cut as the final ones were."""
    parent = build(pruned.parent.architecture())
    load_weights(parent, pruned.parent.early)
    return sliced_weights(parent.architecture, parent.state_dict(), pruned.cut)


def _ancestry(run: RunDirectory) -> tuple[str, ...]:
    """The runs that a cut's parent was cut from, the first training first."""
    return read_cut(run).ancestry if run.cut.is_file() else run.summary.ancestry or ()
