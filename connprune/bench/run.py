"""The benchmarks that `connprune bench` runs, everything in turns."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from random import Random
from statistics import median

import torch
from torch import Tensor

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import Shape
from connprune.architecture.cutting import Cut, cut
from connprune.architecture.rules import Budget
from connprune.architecture.shapes import mac_count
from connprune.bench.elsewhere import Work, elsewhere
from connprune.bench.files import file_costs
from connprune.bench.literal import LiteralNetwork, LiteralTraining, keeping_literal, literal_batches
from connprune.bench.machine import copy_bandwidth, matrix_product, peak_bytes
from connprune.data.batches import draw_epoch
from connprune.data.images import Images
from connprune.data.settings import Augment
from connprune.data.splits import Splits
from connprune.documents.bench import Bench, FileCosts, ForwardTime, StepTime
from connprune.errors import DiskFullError
from connprune.network.network import build
from connprune.training.configuration import Configuration
from connprune.training.cuda_graph import WARM_UP as RECORDED_AFTER
from connprune.training.device import device_name
from connprune.training.latency import forward_pass
from connprune.training.precision import precision_on
from connprune.training.recipe import Recipe
from connprune.training.timing import Step, in_turns, seconds_in_turns
from connprune.training.trainer import Trainer

# Until a step that is recorded has been, and was replayed once.
WARM_UP = RECORDED_AFTER + 2
_PRODUCT = "matrix product"
KEEPING = "literal, freed memory kept"
# Batch size, and the share of the MACs that is left.
CUTS = ((1, 0.5), (32, 0.5), (256, 0.75), (256, 0.5), (256, 0.25))


def bench(
    configuration: Configuration,
    architecture: Architecture,
    splits: Splits,
    device: torch.device,
    rounds: int,
    literal_workers: int | None,
    warn: Callable[[str], None],
) -> Bench:
    """Everything.

    Args:
        configuration: the recipe.
        architecture: with gates.
        splits: the images, on the device.
        device: where to measure.
        rounds: steps of each candidate that are timed; medians are given.
        literal_workers: processes of the literal port's DataLoader; None leaves the port out.
        warn: as for `Trainer`.
    """
    precision = precision_on(device, configuration.training.precision)
    with candidates(configuration, architecture, splits, literal_workers, warn) as works:
        # Among the steps, so that what keeps the machine busy keeps it from them and from their measure alike.
        product, product_operations = matrix_product(device, precision)
        steps = {**{name: work.step for name, work in works.items()}, _PRODUCT: product}
        seconds = seconds_in_turns(steps, device, rounds, WARM_UP)
        rate = product_operations / min(seconds.pop(_PRODUCT))
        taken = {name: median(each) for name, each in seconds.items()}
        peaks = {name: work.peak_bytes() for name, work in works.items()}
    batch = configuration.training.batch_size
    operations = 2 * 3 * mac_count(architecture) * batch
    return Bench(
        torch=str(torch.__version__),
        device=device_name(device),
        threads=torch.get_num_threads(),
        batch_size=batch,
        rounds=rounds,
        matrix_product_flops=rate,
        matrix_product_precision=precision,
        copy_bytes_per_second=copy_bandwidth(device),
        step_operations=operations,
        steps={
            name: StepTime(
                seconds=each,
                images_per_second=batch / each,
                share_of_matrix_product_rate=operations / each / rate,
                ratio=each / taken["connprune"],
            )
            for name, each in taken.items()
        },
        data_seconds=in_turns(data_steps(configuration, splits, literal_workers), device, rounds, WARM_UP),
        forward=forward(architecture, device, rounds),
        files=_files(configuration, architecture, splits, rounds, warn),
        peak_bytes=peaks,
    )


def random_splits(shape: Shape, classes: int, count: int = 2048) -> Splits:
    """Images of noise, which take as long as real ones."""
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8)
    noise = Images(images, torch.randint(0, classes, (count,)))
    few = noise[torch.arange(min(256, count))]
    return Splits(noise, few, few, "noise", tuple(map(str, range(classes))))


@contextmanager
def candidates(
    configuration: Configuration,
    architecture: Architecture,
    splits: Splits,
    literal_workers: int | None,
    warn: Callable[[str], None],
) -> Iterator[dict[str, Work]]:
    """A whole training step, data included: ours, ours without gates, and the literal port's.

    The port runs in a process of its own, as its author would have started it; and in another one that keeps freed
    memory as the command line lets ours do, to tell what that is worth to it.
    """
    works: dict[str, Work] = {
        "connprune": Ours(configuration, architecture, splits, warn),
        "without gates": Ours(configuration, architecture.without_gates(), splits, warn),
    }
    with ExitStack() as processes:
        if literal_workers is not None:
            with torch.device("meta"):
                LiteralNetwork(architecture)  # refuses what the port cannot be, before a process is begun for it
            device, images = splits.train.labels.device, splits.train.to(torch.device("cpu"))
            given = (
                architecture,
                images,
                configuration.training.batch_size,
                device,
                literal_workers,
                torch.get_num_threads(),
            )
            works["literal"] = processes.enter_context(elsewhere(LiteralTraining, *given))
            works[KEEPING] = processes.enter_context(elsewhere(keeping_literal, *given))
        yield works


class Ours:
    """connprune's training step."""

    def __init__(
        self, configuration: Configuration, architecture: Architecture, splits: Splits, warn: Callable[[str], None]
    ) -> None:
        self.device = splits.train.labels.device
        self._make = partial(_trainer, architecture, splits, configuration.data.augment, warn)
        self._recipe = configuration.training
        self.step: Step = self._make(self._recipe).endless_steps()

    def peak_bytes(self) -> int:
        """The most memory that a step's tensors take at once; a recorded step takes its memory once and for all."""
        step = self._make(self._recipe.model_copy(update={"capture": False, "compile": False})).endless_steps()
        step()
        return peak_bytes(step, self.device)


def _trainer(
    architecture: Architecture, splits: Splits, augment: Augment, warn: Callable[[str], None], recipe: Recipe
) -> Trainer:
    torch.manual_seed(recipe.seed)
    network = build(architecture).to(splits.train.labels.device).train()
    return Trainer(network, splits, augment, recipe, warn)


def _files(
    configuration: Configuration,
    architecture: Architecture,
    splits: Splits,
    rounds: int,
    warn: Callable[[str], None],
) -> FileCosts | None:
    trainer = _trainer(architecture, splits, configuration.data.augment, warn, configuration.training)
    trainer.endless_steps()()
    try:
        return file_costs(trainer, rounds, warn)
    except DiskFullError as error:
        warn(f"what files cost is not measured: {error}")
        return None


def data_steps(configuration: Configuration, splits: Splits, literal_workers: int | None) -> dict[str, Step]:
    """A batch alone."""
    ours = _batches(configuration, splits)
    steps: dict[str, Step] = {"connprune": lambda: next(ours)}
    if literal_workers is not None:
        theirs = literal_batches(
            splits.train.to(torch.device("cpu")), configuration.training.batch_size, literal_workers
        )
        steps["literal"] = lambda: next(theirs)
    return steps


def _batches(configuration: Configuration, splits: Splits) -> Iterator[tuple[Tensor, Tensor]]:
    number = 0
    recipe = configuration.training
    while True:
        epoch = draw_epoch(splits.train, configuration.data.augment, recipe.batch_size, recipe.seed, number)
        yield from (epoch.batch(step) for step in range(len(epoch)))
        number += 1


def forward(architecture: Architecture, device: torch.device, rounds: int) -> tuple[ForwardTime, ...]:
    """Forward passes of a parent, of it masked by closed gates, and of the cut that the mask stands for."""
    rows = []
    parent = build(architecture).eval().to(device)
    for batch, share in CUTS:
        outcome = _cut_to(architecture, share)
        smaller = build(outcome.architecture).eval().to(device)
        passes = {
            "parent": forward_pass(parent, batch, device),
            "masked": forward_pass(parent, batch, device, _mask(architecture, outcome).to(device)),
            "cut": forward_pass(smaller, batch, device),
        }
        seconds = in_turns(passes, device, rounds, WARM_UP)
        rows.append(
            ForwardTime(
                batch_size=batch,
                parent_seconds=seconds["parent"],
                masked_seconds=seconds["masked"],
                cut_seconds=seconds["cut"],
                mac_ratio=mac_count(architecture) / mac_count(outcome.architecture),
                time_ratio=seconds["parent"] / seconds["cut"],
            )
        )
    return tuple(rows)


def _cut_to(architecture: Architecture, share: float) -> Cut:
    """A cut to this share of the MACs, by random scores."""
    random = Random("bench")  # noqa: S311 - nothing here is secret
    scores = {connection: random.random() for connection in architecture.gated_connections}
    return cut(architecture, scores, Budget(macs=round(share * mac_count(architecture))))


def _mask(architecture: Architecture, outcome: Cut) -> Tensor:
    """The parent's gates with those of everything that was cut at zero."""
    kept = set(outcome.architecture.all_connections)
    each = torch.tensor([float(connection in kept) for connection in architecture.gated_connections])
    return each.repeat_interleave(torch.tensor(architecture.gate_counts))
