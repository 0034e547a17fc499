"""The learned gates of all connections, kept in one vector."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from connprune.architecture import wirings
from connprune.architecture.architecture import Architecture
from connprune.architecture.gates import Constant, FeedForward, Gates, Initialisation, Normal
from connprune.architecture.shapes import gates_of_each

# For each kind of gate: what turns w into the gate, and whether the result can never be negative.
GATE_FUNCTIONS: dict[str, tuple[Callable[[Tensor], Tensor], bool]] = {
    "sigmoid": (torch.sigmoid, True),
    "linear": (lambda w: w, False),
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

    def __init__(self, architecture: Architecture, settings: Gates) -> None:
        super().__init__()
        connections = architecture.gated_connections
        maps = [architecture.shapes.output[connection.source].feature_maps for connection in connections]
        start = initial(settings.initialisation, architecture)
        self.weight = nn.Parameter(start.repeat_interleave(torch.tensor(gates_of_each(architecture))))
        self.function, self.are_positive = GATE_FUNCTIONS[settings.kind]
        shared = settings.sharing == "shared"
        index = torch.arange(len(connections)).repeat_interleave(torch.tensor(maps)) if shared else None
        self.register_buffer("index", index, persistent=False)
        self.targets = list(dict.fromkeys(connection.target for connection in connections))
        self.widths = [architecture.shapes.merged[target].feature_maps for target in self.targets]

    def values(self) -> Tensor:
        """The gates, (gate_count,)."""
        return self.function(self.weight)

    def forward(self) -> dict[str, Tensor]:
        """For each gated target, the gate of every feature map that it merges: (maps,)."""
        values = self.values()
        each = values if self.index is None else values.index_select(0, self.index)
        return dict(zip(self.targets, each.split(self.widths), strict=True))


def initial(initialisation: Initialisation, architecture: Architecture) -> Tensor:
    """The starting w of every gated connection, (connections,); drawn with torch's default generator if random."""
    connections = architecture.gated_connections
    match initialisation:
        case Constant(value=value):
            return torch.full((len(connections),), value)
        case Normal(mean=mean, deviation=deviation):
            return torch.empty(len(connections)).normal_(mean, deviation)
        case FeedForward(chain=chain, rest=rest):
            steps = wirings.chain([layer.name for layer in architecture.layers])
            return torch.tensor([chain if source in steps[target] else rest for source, target in connections])
