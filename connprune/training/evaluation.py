"""How well a network does."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.data.batches import in_order
from connprune.data.images import Images
from connprune.network.network import Network
from connprune.training.group import Group, SingleProcess
from connprune.training.precision import Precision, computing_in


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy and share of right answers.

    Attributes:
        loss: over all images.
        accuracy: over all images, 0 to 1.
        right: the right answers of each class.
    """

    loss: float
    accuracy: float
    right: tuple[int, ...]


@torch.no_grad()
def answers(network: Network, images: Images, precision: Precision) -> Iterator[tuple[Tensor, Tensor]]:
    """The scores, (batch, classes), and the labels, (batch,), of images, in order, on the network's device."""
    network.eval()
    for batch, labels in in_order(images):
        with computing_in(precision, batch.device):
            scores = network(batch).float()
        yield scores, labels


@torch.no_grad()
def evaluate(
    network: Network, images: Images, precision: Precision = "float32", group: Group | None = None
) -> Evaluation:
    """The network's loss and accuracy on images; reads the result back once.

    Args:
        network: on its device.
        images: on the same device, or supplied to it.
        precision: of the arithmetic.
        group: the processes that share the images out; None is this one alone.
    """
    group = group or SingleProcess()
    loss = torch.zeros((), device=images.labels.device)
    right = torch.zeros(network.architecture.classes, device=images.labels.device, dtype=torch.int64)
    for scores, labels in answers(network, group.images(images), precision):
        loss += F.cross_entropy(scores, labels, reduction="sum")
        right.index_add_(0, labels, (scores.argmax(1) == labels).long())
    group.add_up(loss, right)
    of_each = right.tolist()
    return Evaluation(loss.item() / len(images), sum(of_each) / len(images), tuple(of_each))
