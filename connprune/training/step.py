"""One training step: all of it on the device, and nothing waits for the host, so that it can be recorded."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from connprune.data.augmentation import Operations
from connprune.data.batches import Draws, augmented
from connprune.data.images import Images
from connprune.training.averaging import WeightAverage
from connprune.training.loss import Loss
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
        operations: what is done to the images of a batch.
        optimizer: takes the steps.
        loss: of a batch.
        penalty: what the gates as they are add to the loss; None is nothing.
        precision: of the forward and the backward pass.
        surrogate: how gates learn that were drawn without a gradient; None is that none were.
        clip_norm: what the norm of all gradients may be; None is anything.
        parts: in how many a batch goes through the network.
        fewest: how many images a part must have.
        average: takes in the weights after each step; None is that nothing does.

    Attributes:
        loss: the summed loss of the images since `reset`, ().
        right: how many of them were classified rightly, ().
        finite: how many steps since then left a finite loss, ().
    """

    def __init__(
        self,
        network: nn.Module,
        images: Images,
        operations: Operations,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        penalty: Penalty | None,
        precision: Precision,
        surrogate: Surrogate | None = None,
        *,
        clip_norm: float | None = None,
        parts: int = 1,
        fewest: int = 1,
        average: WeightAverage | None = None,
    ) -> None:
        self.network = network
        self.images = images
        self.operations = operations
        self.optimizer = optimizer
        self.penalty = penalty
        self.precision = precision
        self.surrogate = surrogate
        self.average = average
        self._loss_of = loss
        self._clip_norm = clip_norm
        self._parts, self._fewest = parts, fewest
        self.loss = torch.zeros((), device=images.labels.device)
        self.right = torch.zeros((), device=images.labels.device, dtype=torch.int64)
        self.finite = torch.zeros((), device=images.labels.device, dtype=torch.int64)
        # What the backward pass begins with; torch would make it anew in each step.
        self._one = torch.ones((), device=images.labels.device)

    def __call__(self, draws: Draws, coefficient: Tensor, share: float = 1.0, smallest: int | None = None) -> None:
        """One step.

        Args:
            draws: which images, and how each is changed.
            coefficient: λ, ().
            share: what their mean loss is multiplied by; with 0 they are not counted either.
            smallest: how many images the process with the fewest has, since all must take as many parts; None is these.
        """
        count = len(draws.order)
        parts = max(1, min(self._parts, (count if smallest is None else smallest) // self._fewest))
        # As equal as can be.
        sizes = [(count + number) // parts for number in range(parts)]
        self.optimizer.zero_grad()
        begin = 0
        for size in sizes:
            part = draws.of(slice(begin, begin + size))
            self._learn(part, coefficient if begin == 0 else None, share, size / count)
            begin += size
        if self._clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._clip_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update()
        # A sum of cross-entropies is never negative, and no comparison holds for what is not a number.
        self.finite += self.loss < torch.inf

    def _learn(self, draws: Draws, coefficient: Tensor | None, share: float, part: float) -> None:
        """Adds the gradients of a part of the batch, and of the penalty where λ is given."""
        batch = augmented(self.images, draws, self.operations)
        device = batch.images.device
        with computing_in(self.precision, device):
            scores = self.network(batch.images).float()
        loss = self._loss_of(scores, batch)
        learned = loss if self.surrogate is None else loss + self.surrogate(loss.detach())
        objective = learned if share * part == 1 else learned * (share * part)
        if self.penalty is not None and coefficient is not None:
            objective = objective + self.penalty(coefficient)
        with products_in(self.precision, device):
            objective.backward(self._one)
        if share:
            self.loss.add_(loss.detach(), alpha=len(batch.labels))
            # In place, since counting booleans is one operation more.
            self.right += scores.detach().argmax(1).eq_(batch.likeliest).sum()

    def reset(self) -> None:
        """Starts to sum anew."""
        for sum_so_far in (self.loss, self.right, self.finite):
            sum_so_far.zero_()
