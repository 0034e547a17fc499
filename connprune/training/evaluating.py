"""Evaluates a run on its own images, or on others of the same classes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from connprune.analysis.statistics import share_interval
from connprune.architecture.base import INPUT
from connprune.data.images import Dataset, Images
from connprune.data.named import SOURCES
from connprune.documents.evaluation import ClassEvaluation, Evaluated, Evaluation
from connprune.errors import UsageError
from connprune.names import unknown
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.images import moved
from connprune.training.precision import precision_on, products_in
from connprune.training.run import load_network, split_data
from connprune.training.scoring import Scores, score

Part = Literal["test", "validation", "train"]
PARTS: tuple[Part, ...] = ("test", "validation", "train")


def evaluate_run(
    run: RunDirectory,
    part: Part,
    load: Callable[[Configuration], Dataset],
    device: torch.device,
    data: str | None = None,
) -> Evaluation:
    """What a run's final network gets.

    Args:
        run: a finished run, or a cut.
        part: which of its own images.
        load: loads the images of a configuration.
        device: where to evaluate.
        data: where the images are, or others of the same classes and shape: of these those in `test/`, or without such
            a folder all of them; None is where the run's were, or $CONNPRUNE_DATA.

    Raises:
        UsageError: the run has not ended; or other images have another shape, a class that the run does not know, or
            are asked for another part than their test images.
    """
    network = load_network(run).to(device)
    configuration = moved(read_configuration(run), data)
    dataset = load(configuration)
    known = run.summary.data_digest
    same = known in (None, dataset.digest)
    classes = run.summary.classes or dataset.classes
    named: Evaluated = part
    if same:
        images = getattr(split_data(configuration, dataset), part)
    else:
        if part != "test":
            raise UsageError(
                f"{configuration.data.source}: these are not the images that {run.path} was made with, so none of them "
                f"are its {part} images; expected part test."
            )
        wanted = network.architecture.shapes.output[INPUT]
        if dataset.shape != wanted:
            source = configuration.data.source
            raise UsageError(f"{source}: found images of {dataset.shape}, expected {wanted}, as in training.")
        require_values(run, dataset.train.images, configuration.data.source)
        images, named = (dataset.test, part) if len(dataset.test) else (dataset.train, "all")
        images = renumbered(images, dataset.classes, classes)
    precision = precision_on(device, configuration.training.precision)
    with products_in(precision, device):
        scores = score(network, images.supplied_to(device), precision)
    source = configuration.data.source
    name = source if source in SOURCES else Path(source).name
    return _document(run, name, named, same, classes, scores)


def renumbered(images: Images, theirs: Sequence[str], ours: Sequence[str]) -> Images:
    """Images whose labels number the classes of another data set, with the numbers that classes of these names have.

    Args:
        images: with labels.
        theirs: the names of the classes, by label.
        ours: the names by the labels that are wanted.

    Raises:
        UsageError: a class has no name among these.
    """
    for name in theirs:
        if name not in ours:
            raise UsageError(unknown("class", name, ours))
    numbers = torch.tensor([ours.index(name) for name in theirs])
    return replace(images, labels=numbers[images.labels])


def require_values(run: RunDirectory, images: torch.Tensor, source: object) -> None:
    """Refuses images of another type of values than the run was made with.

    Raises:
        UsageError: they are of another one.
    """
    kind, wanted = str(images.dtype).removeprefix("torch."), run.summary.values or "uint8"
    if kind != wanted:
        raise UsageError(f"{source}: found values of {kind}, expected {wanted}, as in training.")


def _document(
    run: RunDirectory, data: str, part: Evaluated, same: bool, classes: Sequence[str], scores: Scores
) -> Evaluation:
    confusion = scores.confusion
    images, taken, right = confusion.sum(1).tolist(), confusion.sum(0).tolist(), confusion.diagonal().tolist()
    total = sum(images)
    low, high = share_interval(sum(right), total)
    return Evaluation(
        run=str(run.path),
        data=data,
        part=part,
        same_images=same,
        images=total,
        loss=scores.loss,
        accuracy=sum(right) / total,
        accuracy_low=low,
        accuracy_high=high,
        top5_accuracy=None if scores.top5 is None else scores.top5 / total,
        calibration_error=scores.calibration_error,
        classes=tuple(
            ClassEvaluation(
                name=name,
                images=there,
                right=hits,
                accuracy=hits / there if there else None,
                precision=hits / answers if answers else None,
            )
            for name, there, hits, answers in zip(classes, images, right, taken, strict=True)
        ),
        confusion=tuple(map(tuple, confusion.tolist())),
    )
