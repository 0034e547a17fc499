"""How well a network does, class by class, and how far its confidence can be trusted."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.data.images import Images
from connprune.network.network import Network
from connprune.training.evaluation import answers
from connprune.training.precision import Precision, computing_in

BINS = 15
_FIVE = 5


@dataclass(frozen=True)
class Scores:
    """What a network's answers to labelled images add up to.

    Attributes:
        loss: the mean cross-entropy.
        confusion: (classes, classes) int64, the images of each class by what they are taken for.
        top5: how many images have their class among the five most probable; None of up to five classes.
        calibration_error: the distance of confidence and accuracy in each of `BINS` bins, 0 to 1, the mean weighted by
            the images in each (Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", 2017,
            equation 3).
    """

    loss: float
    confusion: Tensor
    top5: int | None
    calibration_error: float


@torch.no_grad()
def score(network: Network, images: Images, precision: Precision = "float32") -> Scores:
    """The network's answers to images; reads the result back once.

    Args:
        network: on its device.
        images: on the same device or supplied to it, one at least.
        precision: of the arithmetic.
    """
    device, classes = images.labels.device, network.architecture.classes
    loss = torch.zeros((), device=device)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    top5 = torch.zeros((), dtype=torch.int64, device=device)
    # Of each bin the sum of the confidence, and how many answers are right.
    bins = torch.zeros(BINS, 2, device=device)
    for scores, labels in answers(network, images, precision):
        loss += F.cross_entropy(scores, labels, reduction="sum")
        confidence, taken_for = scores.softmax(1).max(1)
        confusion.index_add_(0, labels * classes + taken_for, torch.ones_like(labels))
        if classes > _FIVE:
            top5 += (scores.topk(_FIVE).indices == labels[:, None]).sum()
        right = (taken_for == labels).float()
        number = ((confidence * BINS).ceil().long() - 1).clamp(0, BINS - 1)
        bins.index_add_(0, number, torch.stack([confidence, right], 1))
    confidences, rights = bins.cpu().double().unbind(1)
    return Scores(
        loss=loss.item() / len(images),
        confusion=confusion.view(classes, classes).cpu(),
        top5=int(top5) if classes > _FIVE else None,
        calibration_error=float((confidences - rights).abs().sum() / len(images)),
    )


@torch.no_grad()
def probabilities(network: Network, images: Tensor, precision: Precision = "float32") -> Tensor:
    """The probability of each class for images (batch, feature maps, height, width): (batch, classes), on the CPU."""
    network.eval()
    with computing_in(precision, images.device):
        scores: Tensor = network(images)
    return scores.float().softmax(1).cpu()
