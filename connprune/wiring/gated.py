"""Gated sums and concatenations with gates of their own, for modules that are written with them."""

import math
from collections.abc import Collection
from numbers import Real
from typing import Literal

import torch
from pydantic import ValidationError
from torch import Tensor

from connprune.architecture.gate_kinds import GATE_KINDS
from connprune.architecture.gates import Constant, Gates, Temperature
from connprune.arguments import require
from connprune.errors import ArgumentError, UsageError
from connprune.mistakes import Mistake
from connprune.names import unknown
from connprune.network.gate_kinds import module_of
from connprune.network.gates import GateWeights
from connprune.network.penalties import PENALTIES
from connprune.wiring.parts import Addition, GatedConcatenation, Merge, Numbers

Penalise = Literal["gate", "l0", "entropy", "cost"]


class GatedMerge(GateWeights):
    """What makes one tensor of several, each times a gate that is learned here.

    Attributes:
        merge: what does so with given gates.
        settings: the kind of the gates, where they start, and their penalty.
    """

    merge: Merge

    def __init__(self, merge: Merge, settings: Gates, start: float) -> None:
        gates = sum(number is not None for number in merge.numbers)
        super().__init__(torch.full((gates,), float(start)), module_of(settings.kind_class)(), settings.temperature)
        self.merge, self.settings = merge, settings
        self.summary = f"{_counted(len(merge.numbers), 'source')}, {_counted(gates, f'{settings.kind} gate')}"

    def forward(self, *inputs: Tensor) -> Tensor:
        """One tensor of as many as there are sources.

        Raises:
            ArgumentError: they are fewer or more, or of a sum not all of one shape.
        """
        if len(inputs) != (expected := len(self.merge.numbers)):
            raise ArgumentError(
                Mistake(key="inputs", found=_counted(len(inputs), "tensor"), expected=f"{expected}, one a source")
            )
        if isinstance(self.merge, Addition) and any(each.shape != inputs[0].shape for each in inputs):
            shapes = " and ".join(str(tuple(each.shape)) for each in inputs)
            raise ArgumentError(Mistake(key="inputs", found=f"shapes {shapes}", expected="tensors of one shape"))
        result: Tensor = self.merge(self.of_this_pass(), *inputs)
        return result


class GatedSum(GatedMerge):
    """The sum of tensors, each times its learned gate: Σ gᵢ · xᵢ.

    Called with one tensor for each source, all of one shape, (batch, …), it gives another of that shape.
    `connprune.penalty` and `connprune.gates` take any module that has such sums, and `connprune.wire` lets
    `connprune.shrink` remove what closed.

    Args:
        sources: how many tensors it adds, from 1.
        kind: of the gates: `sigmoid`, σ(w / τ); `linear`, w; `hard-concrete` (Louizos, Welling, Kingma 2018, equations
            10 to 13) or `bernoulli` (straight-through: Bengio, Léonard, Courville 2013), which are random in training.
        start: w of every gate, any finite number.
        temperature: τ, above 0; a pair is where it starts and ends, between which `anneal(progress)` sets it.
        penalty: λ, from 0, by which `connprune.penalty` multiplies what it sums up.
        penalise: what that is, as `gates.penalise` of a configuration; `cost` once the module is wired.
        ungated: the numbers of sources, from 0, that have no gate, as the trunk of a residual network.

    Attributes:
        weight: w, (gates,).
        temperature: τ, ().

    Raises:
        UsageError: an argument does not suit.
    """

    def __init__(
        self,
        sources: int,
        *,
        kind: str = "sigmoid",
        start: float = 0.5,
        temperature: float | tuple[float, float] = 1.0,
        penalty: float = 1e-3,
        penalise: Penalise | None = None,
        ungated: Collection[int] = (),
    ) -> None:
        settings = gate_settings(kind, start, penalty, penalise, temperature)
        super().__init__(Addition("", _numbers(sources, ungated)), settings, start)


class GatedConcat(GatedMerge):
    """Tensors side by side, each times its learned gate: [g₁ · x₁, g₂ · x₂, …].

    Called with one tensor for each source, (batch, maps, …), it gives (batch, all maps, …). As `GatedSum` otherwise;
    `connprune.wire` takes those along dimension 1.

    Args:
        sources: as for `GatedSum`.
        dim: along which dimension, alone allowed to differ; negative ones count from the last.
        kind: as for `GatedSum`.
        start: likewise.
        temperature: likewise.
        penalty: likewise.
        penalise: likewise.
        ungated: likewise.

    Attributes:
        weight: w, (gates,).
        temperature: τ, ().

    Raises:
        UsageError: an argument does not suit.
    """

    merge: GatedConcatenation

    def __init__(
        self,
        sources: int,
        dim: int = 1,
        *,
        kind: str = "sigmoid",
        start: float = 0.5,
        temperature: float | tuple[float, float] = 1.0,
        penalty: float = 1e-3,
        penalise: Penalise | None = None,
        ungated: Collection[int] = (),
    ) -> None:
        require("dim", dim, int, "a whole number")
        settings = gate_settings(kind, start, penalty, penalise, temperature)
        super().__init__(GatedConcatenation("", _numbers(sources, ungated), dim), settings, start)
        self.summary += f", dim {dim}"


def gate_settings(
    kind: str,
    start: float,
    penalty: float,
    penalise: Penalise | None,
    temperature: float | tuple[float, float] = 1.0,
) -> Gates:
    """The settings of gates that belong to no architecture.

    Raises:
        UsageError: one does not suit.
    """
    # Those that treat each gate by itself, and learn from the loss by its gradient alone.
    kinds = [name for name, known in GATE_KINDS.items() if not known.needs_architecture]
    if kind not in kinds:
        raise UsageError(unknown("kind", str(kind), kinds))
    if penalise not in (None, *PENALTIES):
        raise UsageError(unknown("penalise", str(penalise), PENALTIES))
    require("start", start, Real, "a finite number", math.isfinite)
    require("penalty", penalty, Real, "a number from 0 upwards", lambda value: 0 <= value < math.inf)
    ends = temperature if isinstance(temperature, tuple) and len(temperature) == 2 else (temperature, temperature)
    for end in ends:
        require("temperature", end, Real, "a number above 0, or a pair of them", lambda value: 0 < value < math.inf)
    try:
        annealing, initialisation = Temperature(start=ends[0], end=ends[1]), Constant(value=start)
        return Gates(
            kind=kind, penalty=penalty, penalise=penalise, initialisation=initialisation, temperature=annealing
        )
    except ValidationError as error:
        raise UsageError(Mistake(error.errors()[0]["msg"].removeprefix("Value error, "), key="penalise")) from error


def _numbers(sources: int, ungated: Collection[int]) -> Numbers:
    """For each source the number of its gate."""
    require("sources", sources, int, "a whole number from 1 upwards", lambda value: value >= 1)
    for each in ungated:
        require("ungated", each, int, f"numbers of sources from 0 to {sources - 1}", lambda at: 0 <= at < sources)
    gated = [each for each in range(sources) if each not in ungated]
    if not gated:
        raise ArgumentError(Mistake(key="ungated", found="all sources", expected="at least one with a gate"))
    return tuple(gated.index(each) if each in gated else None for each in range(sources))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
