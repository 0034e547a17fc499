"""What turns w into a gate: a module for each kind."""

import math
from collections import Counter
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import gate_kinds
from connprune.architecture.allowed import open_gates
from connprune.architecture.architecture import Architecture
from connprune.registry import imported

# Hard concrete (Louizos, Welling, Kingma 2018, section 4): the temperature β, and the stretch from γ to ζ.
BETA, GAMMA, ZETA = 2 / 3, -0.1, 1.1
# How much of the running mean of the losses is the newest one (Xu et al. 2015, section 4.1).
_NEWEST = 0.1


class GateModule(nn.Module):
    """All gates of a network, from their w, (gates,), and the temperature, ().

    Args:
        architecture: whose gates they are; None for a kind that does not need it.
    """

    # Whether no gate can be negative.
    is_positive: ClassVar[bool] = True
    # Whether the gates have no gradient of their own, so that `surrogate` is added to the loss.
    has_surrogate: ClassVar[bool] = False
    # The buffers that a training needs to go on bit for bit.
    resumed: ClassVar[tuple[str, ...]] = ()

    def __init__(self, architecture: Architecture | None = None) -> None:
        super().__init__()

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """The gates in evaluation, which a cut goes by, (gates,)."""
        raise NotImplementedError(type(self).__name__)

    def sampled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """The gates of one training step, (gates,); what is random comes from torch's default generator."""
        return self.settled(w, temperature)

    def openness(self, w: Tensor, temperature: Tensor) -> Tensor:
        """How probably each gate is open, (gates,): of gates that are not random the gate itself."""
        return self.settled(w, temperature)

    def surrogate(self, w: Tensor, temperature: Tensor, loss: Tensor) -> Tensor:
        """What a training adds to the loss, whose gradient lets gates learn that have none in the forward pass; ().

        Args:
            w: the gates' w, (gates,).
            temperature: as it was in the forward pass, ().
            loss: what the last draw led to, ().
        """
        raise NotImplementedError(type(self).__name__)


class Sigmoid(GateModule):
    """σ(w / τ)."""

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        return torch.sigmoid(w / temperature)


class Linear(GateModule):
    """The w itself, which can be negative."""

    is_positive = False

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        return w


class HardConcrete(GateModule):
    """A concrete draw, stretched beyond 0 and 1 and clamped to them: exact zeros (Louizos, Welling, Kingma 2018)."""

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """Their equation 13."""
        return _stretched(torch.sigmoid(w))

    def sampled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """Their equations 10 and 11, with one uniform draw a gate."""
        return _stretched(torch.sigmoid((torch.rand_like(w).logit(eps=1e-6) + w) / BETA))

    def openness(self, w: Tensor, temperature: Tensor) -> Tensor:
        """Their equation 12."""
        return torch.sigmoid(w - BETA * math.log(-GAMMA / ZETA))


class Bernoulli(Sigmoid):
    """1 with probability σ(w / τ), else 0; in evaluation the probability, which is the mean of what is drawn."""

    def sampled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """Draws; the gradient passes the draw as if it were the probability (Bengio, Léonard, Courville 2013)."""
        probability = self.settled(w, temperature)
        return _straight_through(torch.bernoulli(probability.detach()), probability)


class Reinforce(Sigmoid):
    """1 with probability p = σ(w / τ), else 0, as Bernoulli gates, but the draw has no gradient.

    The gates learn from the loss of what was drawn, by the score function (Williams, "Simple Statistical
    Gradient-Following Algorithms for Connectionist Reinforcement Learning", 1992), with the running mean of the losses
    for a baseline (Xu et al., "Show, Attend and Tell", 2015, section 4.1).

    Attributes:
        baseline: the running mean, (); it starts at the cross-entropy of equal scores for all classes.
    """

    has_surrogate = True
    resumed = ("baseline",)
    baseline: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture)
        self.register_buffer("baseline", torch.tensor(math.log(architecture.classes)), persistent=False)
        self._drawn: Tensor | None = None

    def sampled(self, w: Tensor, temperature: Tensor) -> Tensor:
        self._drawn = torch.bernoulli(self.settled(w, temperature).detach())
        return self._drawn

    def surrogate(self, w: Tensor, temperature: Tensor, loss: Tensor) -> Tensor:
        """Has the gradient (loss - baseline) · ∂ ln p(draw) / ∂w, and moves the baseline; ()."""
        if self._drawn is None:
            raise RuntimeError("no gates were drawn: this follows a forward pass in training mode")
        likelihood = -F.binary_cross_entropy_with_logits(w / temperature, self._drawn, reduction="sum")
        advantage = loss.detach() - self.baseline
        self.baseline.lerp_(loss.detach(), _NEWEST)
        return advantage * likelihood


class TopK(Sigmoid):
    """σ(w / τ) of the gates with the largest w, as many as `gates.open` says; the others are 0.

    As the edges of Wortsman, Farhadi, Rastegari, "Discovering Neural Wirings", 2019, section 3: a closed one learns
    from what it would have changed, and takes the place of an open one when it has become larger.
    """

    ranked: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture)
        self.count = open_gates(architecture)
        self.register_buffer("ranked", torch.tensor(_nearest_first(architecture)), persistent=False)

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        return super().settled(w, temperature) * self._is_open(w)

    def sampled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """The same; the gradient passes to the closed gates too."""
        each = super().settled(w, temperature)
        return _straight_through(each.detach() * self._is_open(w), each)

    def _is_open(self, w: Tensor) -> Tensor:
        """1 or 0, (gates,); of equal ones the first in `ranked` are open, so that every target reads something."""
        best = torch.sort(w.detach()[self.ranked], descending=True, stable=True).indices[: self.count]
        return torch.zeros_like(w).index_fill(0, self.ranked[best], 1)


class Softmax(GateModule):
    """The softmax of w / τ over the connections of a target (Liu, Simonyan, Yang, "DARTS", 2019, equation 2)."""

    rows: Tensor
    places: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture)
        targets = Counter(connection.target for connection in architecture.gated_connections)
        most, gates = max(targets.values()), targets.total()
        # A row a target; what it has fewer than the others is filled up with the number behind the last gate.
        is_there = torch.arange(most) < torch.tensor(list(targets.values()))[:, None]
        rows = torch.full((len(targets), most), gates)
        rows[is_there] = torch.arange(gates)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("places", is_there.flatten().nonzero()[:, 0], persistent=False)

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        filled = F.pad(w / temperature, (0, 1), value=-torch.inf)
        shares = filled.index_select(0, self.rows.flatten()).view(self.rows.shape).softmax(1)
        return shares.flatten().index_select(0, self.places)


def module_of(kind: type[gate_kinds.GateKind]) -> type[GateModule]:
    """The torch module of a kind of gates.

    Raises:
        UsageError: the kind names none that there is.
    """
    module: type[GateModule] = imported(kind.module, f"kind of gates {kind.name}")
    return module


def _nearest_first(architecture: Architecture) -> list[int]:
    """The numbers of all gates: first those of each target's nearest source, then those of the next ones."""
    connections, counts = architecture.gated_connections, architecture.gate_counts
    farther: Counter[str] = Counter()
    steps = []
    for connection, count in zip(reversed(connections), reversed(counts), strict=True):
        steps += [farther[connection.target]] * count
        farther[connection.target] += 1
    steps.reverse()
    return sorted(range(len(steps)), key=steps.__getitem__)


def _stretched(concrete: Tensor) -> Tensor:
    # As `clamp` gives, but its gradient is one operation.
    return F.hardtanh(concrete * (ZETA - GAMMA) + GAMMA, 0, 1)


def _straight_through(value: Tensor, gradient: Tensor) -> Tensor:
    """Exactly the one in the forward pass, and the other in the backward pass."""
    return value + (gradient - gradient.detach())
