"""What turns w into a gate: a class for each kind."""

import math

import torch
from torch import Tensor, nn

from connprune.architecture.architecture import Architecture

# Hard concrete (Louizos, Welling, Kingma 2018, section 4): the temperature β, and the stretch from γ to ζ.
BETA, GAMMA, ZETA = 2 / 3, -0.1, 1.1


class GateKind(nn.Module):
    """All gates of a network, from their w, (gates,), and the temperature, ().

    Args:
        architecture: whose gates they are.

    Attributes:
        is_positive: whether no gate can be negative.
    """

    is_positive = True

    def __init__(self, architecture: Architecture) -> None:
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


class Sigmoid(GateKind):
    """σ(w / τ)."""

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        return torch.sigmoid(w / temperature)


class Linear(GateKind):
    """w."""

    is_positive = False

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        return w


class HardConcrete(GateKind):
    """Louizos, Welling, Kingma 2018."""

    def settled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """Their equation 13."""
        return _stretched(torch.sigmoid(w))

    def sampled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """Their equations 10 and 11, with one uniform draw a gate."""
        uniform = torch.rand_like(w).clamp(1e-6, 1 - 1e-6)
        return _stretched(torch.sigmoid((uniform.logit() + w) / BETA))

    def openness(self, w: Tensor, temperature: Tensor) -> Tensor:
        """Their equation 12."""
        return torch.sigmoid(w - BETA * math.log(-GAMMA / ZETA))


class Bernoulli(Sigmoid):
    """1 with probability σ(w / τ), else 0; in evaluation the probability, which is the mean of what is drawn."""

    def sampled(self, w: Tensor, temperature: Tensor) -> Tensor:
        """Draws; the gradient passes the draw as if it were the probability (Bengio, Léonard, Courville 2013)."""
        probability = self.settled(w, temperature)
        return _straight_through(torch.bernoulli(probability.detach()), probability)


GATE_KINDS: dict[str, type[GateKind]] = {
    "sigmoid": Sigmoid,
    "linear": Linear,
    "hard-concrete": HardConcrete,
    "bernoulli": Bernoulli,
}


def _stretched(concrete: Tensor) -> Tensor:
    return (concrete * (ZETA - GAMMA) + GAMMA).clamp(0, 1)


def _straight_through(value: Tensor, gradient: Tensor) -> Tensor:
    """Exactly the one in the forward pass, and the other in the backward pass."""
    return value + (gradient - gradient.detach())
