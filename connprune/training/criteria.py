"""The criteria of a cut: each scores connections, or the feature maps that they carry, by another idea of importance.

None of them is the truth: a gate and the weights that read it can trade scale, a gradient sees only the smallest
change, and the loss change of one removal says nothing about removing two.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD
from connprune.architecture.cutting import GateValues
from connprune.data.batches import in_order
from connprune.data.images import Images
from connprune.data.random import stream
from connprune.errors import ArgumentError
from connprune.mistakes import Mistake
from connprune.network.network import Network
from connprune.training.importance import CRITERIA

# A score for each gated connection, or for each feature map that it carries.
Split = list[Tensor]


@dataclass(frozen=True)
class Evidence:
    """What a criterion may look at.

    Attributes:
        network: the trained network, with gates, in evaluation mode.
        validation: validation images, on the network's device.
        seed: for criteria that draw.
    """

    network: Network
    validation: Images
    seed: int


def by_gate(evidence: Evidence) -> Split:
    """|g|."""
    return [gate.abs() for gate in _each_map(evidence.network, _gates(evidence.network))]


def by_strength(evidence: Evidence) -> Split:
    """|g| × the norm of the weights that read the feature map; through layers without weights, of what reads those.

    Of the passes of an unrolled network the one counts in which that is most.
    """
    network = evidence.network
    architecture = network.architecture
    gates = dict(zip(architecture.gated_connections, by_gate(evidence), strict=True))
    squared = {name: torch.zeros(shape.feature_maps) for name, shape in architecture.shapes.output.items()}
    strengths: dict[Connection, Tensor] = {}
    for target in reversed(architecture.schedule):
        weights = network.reader(target).reading_weights()
        if weights is None:
            # What reads the layer then reads its inputs, as one output would with weights of those norms.
            weights = squared[target].sqrt()[None]
        weights = network.merging(target).aggregate.reading_weights(weights)
        if target != HEAD:
            # What it gave in the pass before has readers of its own.
            squared[target].zero_()
        norms = weights.detach().cpu().transpose(0, 1).flatten(1).norm(dim=1)
        for read in architecture.reads[target]:
            strength = gates.get(read.connection, torch.ones(read.maps)) * norms[list(read.at)]
            strengths[read.connection] = torch.maximum(strengths.get(read.connection, strength), strength)
            squared[read.connection.source].index_add_(0, torch.tensor(read.take), strength**2)
    return [strengths[connection] for connection in architecture.gated_connections]


def by_saliency(evidence: Evidence) -> Split:
    """|g · ∂L/∂g| on validation images: the first-order change of the loss if the gate went to zero.

    L is the mean over the images, so that what helps one and harms another cancels out. P. Molchanov et al., "Pruning
    Convolutional Neural Networks for Resource Efficient Inference", 2017, equations 6 and 7, take the magnitude for
    each image before they average.
    """
    network = evidence.network
    gates = _gates(network).requires_grad_()
    gradient = torch.zeros_like(gates)
    with recurrent_in_training(network):
        for images, labels in in_order(evidence.validation):
            loss = F.cross_entropy(network(images, gates), labels, reduction="sum")
            gradient += torch.autograd.grad(loss, gates)[0]
    change = (gates.detach() * gradient).abs() / len(evidence.validation)
    return [score.cpu() for score in change.split(network.architecture.gate_counts)]


@contextmanager
def recurrent_in_training(network: nn.Module) -> Iterator[None]:
    """In here, recurrent layers are in training mode, the only one that cuDNN differentiates; it changes no value."""
    recurrent = [module for module in network.modules() if isinstance(module, nn.RNNBase)]
    before = [module.training for module in recurrent]
    try:
        for module in recurrent:
            module.train()
        yield
    finally:
        for module, mode in zip(recurrent, before, strict=True):
            module.train(mode)


def by_ablation(evidence: Evidence) -> Split:
    """The true change of the validation loss when one gate is set to zero; below zero where the network gains.

    A cut changes it as much where it computes what its parent does with this gate at zero, see `cut_by_scores`.
    """
    network = evidence.network
    gates = _gates(network)

    @torch.no_grad()
    def loss(values: Tensor) -> float:
        total = sum(
            F.cross_entropy(network(images, values), labels, reduction="sum")
            for images, labels in in_order(evidence.validation)
        )
        return float(total) / len(evidence.validation)

    whole = loss(gates)
    changes = []
    for number in range(len(gates)):
        without = gates.clone()
        without[number] = 0
        changes.append(loss(without) - whole)
    return list(torch.tensor(changes).split(network.architecture.gate_counts))


def by_chance(evidence: Evidence) -> Split:
    """Uniform random numbers, the same for the same seed."""
    counts = evidence.network.architecture.gate_counts
    return list(torch.rand(sum(counts), generator=stream(evidence.seed, "cut")).split(counts))


def scores_by(name: str, evidence: Evidence) -> Split:
    """The scores that a criterion gives, on the CPU.

    Raises:
        ArgumentError: it gives others than it should, or one that is no finite number.
    """
    architecture = evidence.network.architecture
    scores = [score.detach().cpu() for score in CRITERIA[name](evidence)]
    sizes = [(1, architecture.read[connection].maps) for connection in architecture.gated_connections]
    if len(scores) != len(sizes) or any(
        score.dim() != 1 or len(score) not in size for score, size in zip(scores, sizes, strict=True)
    ):
        problem = f"the criterion {name} gave scores of {[tuple(score.shape) for score in scores][:5]}…"
        expected = f"for each of the {len(sizes)} gated connections one score, or one of each of its feature maps"
        raise ArgumentError(Mistake(problem, key="by", expected=expected))
    if not all(score.isfinite().all() for score in scores):
        raise ArgumentError(Mistake(f"the criterion {name} gave a score that is no finite number.", key="by"))
    return scores


def connection_scores(architecture: Architecture, scores: Split) -> GateValues:
    """One score a connection: that of its most important feature map, as only then nothing important is cut."""
    return {
        connection: float(score.max()) for connection, score in zip(architecture.gated_connections, scores, strict=True)
    }


def feature_map_scores(architecture: Architecture, scores: Split) -> GateValues:
    """One score for each feature map of each connection; where they share one, it is that of all of them."""
    return {
        connection: score.expand(architecture.read[connection].maps).tolist()
        for connection, score in zip(architecture.gated_connections, scores, strict=True)
    }


def _gates(network: Network) -> Tensor:
    assert network.gates is not None, "a criterion measures a network with gates"  # noqa: S101
    return network.gates.values().detach().clone()


def _each_map(network: Network, gates: Tensor) -> Split:
    """The gates of each connection, on the CPU, one for each feature map that it carries."""
    architecture = network.architecture
    split = gates.cpu().split(architecture.gate_counts)
    return [
        gate.expand(architecture.read[connection].maps)
        for connection, gate in zip(architecture.gated_connections, split, strict=True)
    ]
