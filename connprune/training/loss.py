"""What the network learns from: the cross-entropy of a batch, as a recipe wants it."""

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.data.augmentation import Batch
from connprune.training.recipe import Recipe


class Loss:
    """The mean cross-entropy of a batch.

    A class weight multiplies the cross-entropy of each of the class's images, and the mean is over images: so the parts
    of a batch have the loss of the whole, whatever is in each.

    Args:
        recipe: has the label smoothing (Szegedy and others 2016), and says whether classes are weighted.
        labels: of all training images, (count,), on the device.
        classes: how many.
    """

    def __init__(self, recipe: Recipe, labels: Tensor, classes: int) -> None:
        self._smoothing = recipe.label_smoothing
        self._weights = balanced(labels, classes) if recipe.class_weights == "balanced" else None

    def __call__(self, scores: Tensor, batch: Batch) -> Tensor:
        """The loss, (); mixed images have the losses of both labels in the shares that they have of both.

        Args:
            scores: (batch, classes).
            batch: has the labels.
        """
        if self._weights is None and batch.share is None:
            return F.cross_entropy(scores, batch.labels, label_smoothing=self._smoothing)
        losses = self._each(scores, batch.labels)
        if batch.others is not None and batch.share is not None:
            losses = batch.share * losses + (1 - batch.share) * self._each(scores, batch.others)
        return losses.mean()

    def _each(self, scores: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(scores, labels, weight=self._weights, reduction="none", label_smoothing=self._smoothing)


def balanced(labels: Tensor, classes: int) -> Tensor:
    """Weights with which every class counts alike, as of scikit-learn: images / (classes · images of the class).

    Args:
        labels: of all training images, (count,).
        classes: how many; one without images has the weight of one with a single image.

    Returns:
        (classes,), on the device of the labels.
    """
    counts = torch.zeros(classes, dtype=torch.int64, device=labels.device)
    counts.index_add_(0, labels, torch.ones_like(labels)).clamp_(min=1)
    return len(labels) / (classes * counts).float()
