"""One training step: all of it on the device, and nothing waits for the host, so that it can be recorded."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.data.batches import Draws, augmented
from connprune.data.images import Images
from connprune.training.precision import Precision, computing_in, products_in

# From λ, (), what is added to the loss, ().
Penalty = Callable[[Tensor], Tensor]
# From the mean loss of the batch, (), what is added to it for its gradient, ().
Surrogate = Callable[[Tensor], Tensor]


class TrainingStep:
    """Draws a batch, and trains the network on it.

    Args:
        network: gives class scores of images; in training mode, on their device; trained in place.
        images: all training images, on the same device.
        optimizer: takes the steps.
        penalty: what the gates as they are add to the loss; None is nothing.
        precision: of the forward and the backward pass.
        surrogate: how gates learn that were drawn without a gradient; None is that none were.

    Attributes:
        loss: the summed cross-entropy of the images since `reset`, ().
        right: how many of them were classified rightly, ().
        finite: how many steps since then left a finite loss, ().
    """

    def __init__(
        self,
        network: nn.Module,
        images: Images,
        optimizer: torch.optim.Optimizer,
        penalty: Penalty | None,
        precision: Precision,
        surrogate: Surrogate | None = None,
    ) -> None:
        self.network = network
        self.images = images
        self.optimizer = optimizer
        self.penalty = penalty
        self.precision = precision
        self.surrogate = surrogate
        self.loss = torch.zeros((), device=images.labels.device)
        self.right = torch.zeros((), device=images.labels.device, dtype=torch.int64)
        self.finite = torch.zeros((), device=images.labels.device, dtype=torch.int64)
        # What the backward pass begins with; torch would make it anew in each step.
        self._one = torch.ones((), device=images.labels.device)

    def __call__(self, draws: Draws, coefficient: Tensor, share: float = 1.0) -> None:
        """One step.

        Args:
            draws: which images, and how each is changed.
            coefficient: λ, ().
            share: what their mean loss is multiplied by; with 0 they are not counted either.
        """
        images, labels = augmented(self.images, draws)
        with computing_in(self.precision, images.device):
            scores = self.network(images).float()
        loss = F.cross_entropy(scores, labels)
        learned = loss if self.surrogate is None else loss + self.surrogate(loss.detach())
        shared = learned if share == 1 else learned * share
        objective = shared if self.penalty is None else shared + self.penalty(coefficient)
        self.optimizer.zero_grad()
        with products_in(self.precision, images.device):
            objective.backward(self._one)
        self.optimizer.step()
        if share:
            self.loss.add_(loss.detach(), alpha=len(labels))
            # In place, since counting booleans is one operation more.
            self.right += scores.detach().argmax(1).eq_(labels).sum()
        # A sum of cross-entropies is never negative, and no comparison holds for what is not a number.
        self.finite += self.loss < torch.inf

    def reset(self) -> None:
        """Starts to sum anew."""
        for sum_so_far in (self.loss, self.right, self.finite):
            sum_so_far.zero_()
