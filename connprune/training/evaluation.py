"""How well a network does."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from connprune.data.batches import in_order
from connprune.data.images import Images
from connprune.network.network import Network
from connprune.training.group import Alone, Group
from connprune.training.precision import Precision, computing_in


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy and share of right answers."""

    loss: float
    accuracy: float


@torch.no_grad()
def evaluate(
    network: Network, images: Images, precision: Precision = "float32", group: Group | None = None
) -> Evaluation:
    """The network's loss and accuracy on images that are on its device; reads the result back once.

    Args:
        network: on its device.
        images: on the same device.
        precision: of the arithmetic.
        group: the processes that share the images out; None is this one alone.
    """
    group = group or Alone()
    network.eval()
    loss = torch.zeros((), device=images.labels.device)
    right = torch.zeros((), device=images.labels.device, dtype=torch.int64)
    for batch, labels in in_order(group.images(images)):
        with computing_in(precision, batch.device):
            scores = network(batch).float()
        loss += F.cross_entropy(scores, labels, reduction="sum")
        right += (scores.argmax(1) == labels).sum()
    group.add_up(loss, right)
    return Evaluation(loss.item() / len(images), right.item() / len(images))
