"""The learned gates of all connections, kept in one vector."""

import math

import torch
from torch import Tensor, nn

from connprune.architecture import summaries, wirings
from connprune.architecture.architecture import Architecture
from connprune.architecture.gates import (
    Constant,
    FeedForward,
    FromRun,
    Gates,
    Initialisation,
    Normal,
    Temperature,
    Uniform,
)
from connprune.architecture.shapes import brought_maps
from connprune.network.gate_kinds import GateModule, module_of
from connprune.network.printed import Printed


class GateWeights(Printed):
    """Learned gates in one vector.

    Args:
        start: w of each gate, (gates,).
        kind: what turns w into a gate.
        annealing: the temperatures of gates that are functions of w / τ.
    """

    temperature: Tensor

    def __init__(self, start: Tensor, kind: GateModule, annealing: Temperature) -> None:
        super().__init__()
        self.weight = nn.Parameter(start)
        self.kind = kind
        self.annealing = annealing
        self.register_buffer("temperature", torch.tensor(annealing.start))

    @property
    def are_positive(self) -> bool:
        """Whether no gate can be negative."""
        return self.kind.is_positive

    def values(self) -> Tensor:
        """The gates as they are in evaluation, (gates,)."""
        return self.kind.settled(self.weight, self.temperature)

    def openness(self) -> Tensor:
        """How probably each gate is open, (gates,)."""
        return self.kind.openness(self.weight, self.temperature)

    def anneal(self, progress: float) -> None:
        """Sets the temperature for a point of the training, 0 the start and 1 the end."""
        start, end = self.annealing.start, self.annealing.end
        self.temperature.fill_(start * math.exp(progress * math.log(end / start)))

    def of_this_pass(self) -> Tensor:
        """The gates of one forward pass, (gates,): in training drawn anew if their kind is random."""
        return (self.kind.sampled if self.training else self.kind.settled)(self.weight, self.temperature)


class GateVector(GateWeights):
    """All gates of a network: one w a connection, or one a feature map of each connection.

    They are one parameter, in the order of `Architecture.gated_connections`, so that the optimizer, the penalty and
    the history handle a single vector.

    Args:
        architecture: whose gated connections they are.
        settings: the kind, the sharing and the initialisation.
    """

    index: Tensor | None

    def __init__(self, architecture: Architecture, settings: Gates) -> None:
        connections = architecture.gated_connections
        maps = [architecture.read[connection].maps for connection in connections]
        super().__init__(
            initial(settings.initialisation, architecture),
            module_of(settings.kind_class)(architecture),
            settings.temperature,
        )
        self.summary = summaries.of_gates(architecture)
        shared = settings.sharing == "shared"
        index = torch.arange(len(connections)).repeat_interleave(torch.tensor(maps)) if shared else None
        self.register_buffer("index", index, persistent=False)
        self.targets = list(dict.fromkeys(connection.target for connection in connections))
        self.widths = [brought_maps(architecture, target) for target in self.targets]

    def forward(self, values: Tensor) -> dict[str, Tensor]:
        """For each gated target, the gate of every feature map that its connections bring: (maps,).

        Args:
            values: the gates, (gates,).
        """
        each = values if self.index is None else values.index_select(0, self.index)
        return dict(zip(self.targets, each.split(self.widths), strict=True))


def initial(initialisation: Initialisation, architecture: Architecture) -> Tensor:
    """The starting w of every gate, (gates,); drawn with torch's default generator if random."""
    counts = architecture.gate_counts
    w = torch.zeros(sum(counts))
    match initialisation:
        case Constant(value=value):
            return w.fill_(value)
        case Normal(mean=mean, deviation=deviation):
            return w.normal_(mean, deviation)
        case Uniform(low=low, high=high):
            return w.uniform_(low, high)
        case FeedForward(chain=chain, rest=rest):
            steps = wirings.chain([layer.name for layer in architecture.layers])
            connections = architecture.gated_connections
            each = torch.tensor([chain if source in steps[target] else rest for source, target in connections])
            return each.repeat_interleave(torch.tensor(counts))
        case FromRun():
            # A training takes them over; a network that is only built has no run to look into.
            return w
