"""What a run's network takes image files for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from connprune.architecture.base import INPUT
from connprune.data.batches import EVALUATION_BATCH
from connprune.data.single import Single, read_singles
from connprune.documents.evaluation import Candidate, Prediction, Predictions
from connprune.errors import UsageError
from connprune.network.network import Network
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration
from connprune.training.precision import Precision, precision_on, products_in
from connprune.training.run import load_network
from connprune.training.scoring import probabilities

Watch = Callable[[Iterable[Single], int], Iterable[Single]]


def predict(run: RunDirectory, files: Sequence[Path], most: int, device: torch.device, watch: Watch) -> Predictions:
    """The most probable classes of image files.

    Args:
        run: a finished run, or a cut.
        files: one at least.
        most: how many classes of each.
        device: where to compute.
        watch: passes the files on, as many as its second argument says, to show how far it is.

    Raises:
        UsageError: the run has not ended, or an image has more bits than those of the training.
    """
    network, configuration = load_network(run).to(device), read_configuration(run)
    classes = run.summary.classes
    if classes is None:
        raise UsageError(f"{run.path}: this run is damaged: its classes are missing.")
    precision = precision_on(device, configuration.training.precision)
    shape = network.architecture.shapes.output[INPUT]
    predictions: list[Prediction] = []
    with (
        closing(read_singles(files, shape, configuration.data, run.summary.values or "uint8")) as singles,
        products_in(precision, device),
    ):
        rest = iter(watch(singles, len(files)))
        while several := list(islice(rest, EVALUATION_BATCH)):
            predictions += _predicted(network, several, classes, most, precision, device)
    return Predictions(run=str(run.path), predictions=tuple(predictions))


def _predicted(
    network: Network,
    singles: Sequence[Single],
    classes: Sequence[str],
    most: int,
    precision: Precision,
    device: torch.device,
) -> list[Prediction]:
    pixels = [single.pixels for single in singles if not isinstance(single.pixels, str)]
    likely: Iterator[tuple[list[float], list[int]]] = iter(())
    if pixels:
        images = torch.from_numpy(np.stack(pixels)).to(device)
        values, numbers = probabilities(network, images, precision).topk(min(most, len(classes)))
        likely = zip(values.tolist(), numbers.tolist(), strict=True)
    predictions = []
    for single in singles:
        if isinstance(single.pixels, str):
            predictions.append(Prediction(file=single.name, classes=(), resized=False, problem=single.pixels))
            continue
        several = zip(*next(likely), strict=True)
        candidates = tuple(Candidate(name=classes[number], probability=value) for value, number in several)
        predictions.append(Prediction(file=single.name, classes=candidates, resized=single.resized))
    return predictions
