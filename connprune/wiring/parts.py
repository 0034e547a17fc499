"""What wiring puts into a module: its gates, and the additions and concatenations that they act on."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from connprune.architecture.architecture import Connection
from connprune.architecture.gates import Constant, Gates
from connprune.network.gate_kinds import module_of
from connprune.network.gates import GateWeights
from connprune.network.passed_gates import Products
from connprune.network.printed import Printed

# For each input of a merge the number of its gate; None is an input without one.
Numbers = tuple[int | None, ...]
# For each feature map the numbers of the gates that act on it.
Acting = tuple[tuple[int, ...], ...]


class WiredGates(GateWeights):
    """The gates of a module, one a connection.

    Args:
        connections: the sources and targets, by the names of modules.
        settings: the kind of the gates, where they start, and their penalty.
        shapes: see below.
        ungated: the merges that were left without gates, by name.

    Attributes:
        costs: the multiply-accumulates that each connection brings over the mean of all, (gates,).
        shapes: of the tensors that the module makes, by the names of its nodes.
    """

    costs: Tensor

    def __init__(
        self,
        connections: Sequence[Connection],
        settings: Gates,
        shapes: dict[str, tuple[int, ...]],
        ungated: Sequence[str],
    ) -> None:
        start = settings.initialisation.value if isinstance(settings.initialisation, Constant) else 0.0
        kind = module_of(settings.kind_class)()
        super().__init__(torch.full((len(connections),), float(start)), kind, settings.temperature)
        self.connections = tuple(connections)
        self.settings = settings
        self.shapes = shapes
        self.ungated = tuple(ungated)
        self.register_buffer("costs", torch.ones(len(connections)))
        self.summary = f"{len(connections)} {settings.kind} gates"

    def forward(self) -> Tensor:
        """The gates of one forward pass, (gates,)."""
        return self.of_this_pass()


class Merge(Printed):
    """An addition or a concatenation, and which gates belong to its inputs.

    Args:
        name: as the connections to it say.
        numbers: of the gates.
    """

    # Whether it multiplies its inputs by the gates, which it takes before them.
    multiplies: ClassVar[bool] = True

    def __init__(self, name: str, numbers: Numbers) -> None:
        super().__init__()
        self.name, self.numbers = name, numbers
        self.summary = name

    def terms(self, gates: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Each input times its gate."""
        return [
            values if number is None else values * gates[number].to(values.dtype)
            for number, values in zip(self.numbers, inputs, strict=True)
        ]


class Addition(Merge):
    """The sum of tensors of one shape, each times its gate."""

    def forward(self, gates: Tensor, *inputs: Tensor) -> Tensor:
        """The sum.

        Args:
            gates: of this pass, (gates,).
            inputs: tensors of one shape.
        """
        total, *others = self.terms(gates, inputs)
        for term in others:
            total = total + term
        return total


class Concatenation(Merge):
    """The feature maps of tensors side by side; their gates act where layers read them, see `GatedReading`."""

    multiplies = False

    def forward(self, *inputs: Tensor) -> Tensor:
        """(batch, all maps, …) from (batch, maps, …) each."""
        return torch.cat(inputs, 1)


class GatedConcatenation(Concatenation):
    """Tensors side by side, each times its gate.

    Args:
        name: as the connections to it say.
        numbers: of the gates.
        dim: along which dimension.
    """

    multiplies = True

    def __init__(self, name: str, numbers: Numbers, dim: int = 1) -> None:
        super().__init__(name, numbers)
        self.dim = dim

    def forward(self, gates: Tensor, *inputs: Tensor) -> Tensor:  # type: ignore[override]
        """All of them.

        Args:
            gates: of this pass, (gates,).
            inputs: tensors of one shape but for that dimension.
        """
        return torch.cat(self.terms(gates, inputs), self.dim)


class GatedReading(Printed):
    """Multiplies feature maps by their gates, right before a layer reads them.

    Behind the normalisation and the activation, that is: a normalisation would undo a gate's scale, and make something
    else than zero of a closed one.

    Args:
        acting: which gates act on each feature map, (maps,).
        count: of all gates.
    """

    def __init__(self, acting: Acting, count: int) -> None:
        super().__init__()
        most = max(map(len, acting))
        rows = [(*numbers, *[count] * (most - len(numbers))) for numbers in acting]
        self.products = Products(torch.tensor(rows).t().contiguous())
        self.summary = f"{len(acting)} feature maps"

    def forward(self, gates: Tensor, values: Tensor) -> Tensor:
        """The product.

        Args:
            gates: of this pass, (gates,).
            values: (batch, maps, …).
        """
        factors: Tensor = self.products(gates).to(values.dtype)
        return values * factors.reshape(-1, *[1] * (values.dim() - 2))


class Scale(nn.Module):
    """Multiplies by a number: a gate that no layer before it could take into its weights.

    Args:
        factor: the number, ().
    """

    factor: Tensor

    def __init__(self, factor: Tensor) -> None:
        super().__init__()
        self.register_buffer("factor", factor.clone())

    def forward(self, values: Tensor) -> Tensor:
        """The product, of the same shape."""
        return values * self.factor.to(values.dtype)
