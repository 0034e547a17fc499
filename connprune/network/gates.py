"""The learned gates of all connections, kept in one vector."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from connprune.architecture import wirings
from connprune.architecture.architecture import Architecture
from connprune.architecture.gates import Constant, FeedForward, FromRun, Gates, Initialisation, Normal, Uniform
from connprune.architecture.shapes import connection_maps, gates_of_each, source_maps

# Hard concrete (Louizos, Welling, Kingma 2018, section 4): the temperature β, and the stretch from γ to ζ.
BETA, GAMMA, ZETA = 2 / 3, -0.1, 1.1


@dataclass(frozen=True)
class GateKind:
    """What turns w into a gate.

    Attributes:
        settled: the gate in evaluation, from w and the temperature.
        sampled: the gate in training.
        is_positive: whether no gate can be negative.
        has_temperature: whether the gate is of w divided by the temperature.
    """

    settled: Callable[[Tensor, Tensor], Tensor]
    sampled: Callable[[Tensor, Tensor], Tensor]
    is_positive: bool
    has_temperature: bool = False

    def at(self, temperature: Tensor) -> Tensor:
        """What w is divided by before it becomes a gate at a temperature, ()."""
        return temperature if self.has_temperature else torch.ones_like(temperature)


def _sigmoid(w: Tensor, temperature: Tensor) -> Tensor:
    return torch.sigmoid(w / temperature)


def _linear(w: Tensor, temperature: Tensor) -> Tensor:
    return w


def _stretched(concrete: Tensor) -> Tensor:
    return (concrete * (ZETA - GAMMA) + GAMMA).clamp(0, 1)


def _hard_concrete(w: Tensor, temperature: Tensor) -> Tensor:
    """Louizos et al. 2018, equation 13."""
    return _stretched(torch.sigmoid(w))


def _sampled_hard_concrete(w: Tensor, temperature: Tensor) -> Tensor:
    """Louizos et al. 2018, equations 10 and 11, with one uniform draw a gate from torch's default generator."""
    uniform = torch.rand_like(w).clamp(1e-6, 1 - 1e-6)
    return _stretched(torch.sigmoid((uniform.logit() + w) / BETA))


GATE_KINDS: dict[str, GateKind] = {
    "sigmoid": GateKind(_sigmoid, _sigmoid, is_positive=True, has_temperature=True),
    "linear": GateKind(_linear, _linear, is_positive=False),
    "hard-concrete": GateKind(_hard_concrete, _sampled_hard_concrete, is_positive=True),
}


class GateVector(nn.Module):
    """All gates of a network: one w a connection, or one a feature map of each connection.

    They are one parameter, in the order of `Architecture.gated_connections`, so that the optimizer, the penalty and
    the history handle a single vector.

    Args:
        architecture: whose gated connections they are.
        settings: the kind, the sharing and the initialisation.
    """

    index: Tensor | None
    temperature: Tensor

    def __init__(self, architecture: Architecture, settings: Gates) -> None:
        super().__init__()
        connections = architecture.gated_connections
        maps = [connection_maps(architecture, target, source) for source, target in connections]
        start = initial(settings.initialisation, architecture)
        self.weight = nn.Parameter(start.repeat_interleave(torch.tensor(gates_of_each(architecture))))
        self.kind = GATE_KINDS[settings.kind]
        self.annealing = settings.temperature
        self.register_buffer("temperature", torch.tensor(settings.temperature.start))
        shared = settings.sharing == "shared"
        index = torch.arange(len(connections)).repeat_interleave(torch.tensor(maps)) if shared else None
        self.register_buffer("index", index, persistent=False)
        self.targets = list(dict.fromkeys(connection.target for connection in connections))
        self.widths = [sum(source_maps(architecture, target)) for target in self.targets]

    @property
    def are_positive(self) -> bool:
        """Whether no gate can be negative."""
        return self.kind.is_positive

    def values(self) -> Tensor:
        """The gates as they are in evaluation, (gates,)."""
        return self.kind.settled(self.weight, self.temperature)

    def anneal(self, progress: float) -> None:
        """Sets the temperature for a point of the training, 0 the start and 1 the end."""
        start, end = self.annealing.start, self.annealing.end
        self.temperature.fill_(start * math.exp(progress * math.log(end / start)))

    def forward(self, values: Tensor | None = None) -> dict[str, Tensor]:
        """For each gated target, the gate of every feature map that its connections bring: (maps,).

        Args:
            values: the gates, (gates,); None is the network's own, drawn anew in training if their kind is random.
        """
        if values is None:
            values = (self.kind.sampled if self.training else self.kind.settled)(self.weight, self.temperature)
        each = values if self.index is None else values.index_select(0, self.index)
        return dict(zip(self.targets, each.split(self.widths), strict=True))


def initial(initialisation: Initialisation, architecture: Architecture) -> Tensor:
    """The starting w of every gated connection, (connections,); drawn with torch's default generator if random."""
    connections = architecture.gated_connections
    w = torch.zeros(len(connections))
    match initialisation:
        case Constant(value=value):
            return w.fill_(value)
        case Normal(mean=mean, deviation=deviation):
            return w.normal_(mean, deviation)
        case Uniform(low=low, high=high):
            return w.uniform_(low, high)
        case FeedForward(chain=chain, rest=rest):
            steps = wirings.chain([layer.name for layer in architecture.layers])
            return torch.tensor([chain if source in steps[target] else rest for source, target in connections])
        case FromRun():
            # A training takes them over; a network that is only built has no run to look into.
            return w
