"""The settings of the gates: what a gate is, where it starts, and what pushes it."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator
from pydantic_core import PydanticCustomError

from connprune.architecture.base import Fraction, Frozen, Name, NonNegative, Positive, Real, UnsuitableKeyError
from connprune.architecture.gate_kinds import GATE_KINDS, GateKind
from connprune.architecture.registered import OneOf, own_keys, takers


class Constant(Frozen):
    """Every gate starts at the same w.

    Attributes:
        value: w.
    """

    kind: Literal["constant"] = "constant"
    value: Real = 0.5


class Normal(Frozen):
    """Every gate's w is drawn from a normal distribution.

    Attributes:
        mean: of w.
        deviation: the standard deviation of w.
    """

    kind: Literal["normal"] = "normal"
    mean: Real = 0.5
    deviation: NonNegative = 0.1


class FeedForward(Frozen):
    """The chain starts more open than the skips.

    Attributes:
        chain: w of each connection from the layer just before.
        rest: w of all others.
    """

    kind: Literal["feed-forward"] = "feed-forward"
    chain: Real = 1.0
    rest: Real = 0.5


class Uniform(Frozen):
    """Every gate's w is drawn evenly from a range.

    Attributes:
        low: of w.
        high: of w.
    """

    kind: Literal["uniform"] = "uniform"
    low: Real = 0.0
    high: Real = 1.0

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.low > self.high:
            raise UnsuitableKeyError("low", f"low is {self.low:g}, expected at most high, {self.high:g}")
        return self


class FromRun(Frozen):
    """The gates start where those of another run ended, connection by connection.

    Attributes:
        run: the directory of a finished run, or of a cut, that has all of this architecture's gates, and makes them of
            w as these are made: sigmoid, bernoulli, reinforce and top-k gates all are sigmoid(w / temperature).
    """

    kind: Literal["from-run"] = "from-run"
    run: Annotated[str, Field(min_length=1)]


Initialisation = Constant | Normal | Uniform | FeedForward | FromRun


class Temperature(Frozen):
    """The temperature τ of gates that are functions of w / τ.

    Attributes:
        start: in the first epoch.
        end: in the last epoch, also where that is the only one; in between it changes by the same factor each epoch.
    """

    start: Positive = 1.0
    end: Positive = 1.0


def _duration(value: Any) -> Any:
    is_share = isinstance(value, float) and 0 <= value < 1
    if not is_share and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise PydanticCustomError("duration", "a share of the training below 1, like 0.5, or a whole number of epochs")
    return value


Duration = Annotated[int | float, BeforeValidator(_duration)]


def epochs_of(duration: float, epochs: int) -> float:
    """How many of so many epochs a duration is."""
    return duration * epochs if isinstance(duration, float) else duration


def _amount(value: Any) -> Any:
    is_share = isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?%", value) and 0 < float(value[:-1]) <= 100
    if not is_share and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise PydanticCustomError(
            "amount", "a whole number, or a percentage of the network like 50%, more than none of it and at most all"
        )
    return value


Amount = Annotated[int | str, BeforeValidator(_amount)]


class CostBudget(Frozen):
    """What the network may cost once its gates have decided; a whole number, or a percentage of what it has.

    Attributes:
        parameters: how many, gates included; null is any number.
        macs: how many multiply-accumulates per image; null is any number.
    """

    parameters: Amount | None = None
    macs: Amount | None = None

    @model_validator(mode="after")
    def _check_any(self) -> Self:
        if self.parameters is self.macs is None:
            raise ValueError("expected a number of parameters, of macs, or of both")
        return self


class Gates(Frozen):
    """One learned gate per connection or per feature map of it.

    Attributes:
        kind: how a gate is made of its w.
        sharing: `shared`, one gate for a connection; `per-feature-map`, one for each feature map of its source.
        initialisation: where w starts.
        temperature: of the kinds that have one; linear and hard-concrete gates have none, whatever stands here.
        rate: the learning rate of the gates, the same in all epochs; null is that of the weights, and changes with it.
        penalty: λ, the weight of the penalty in the loss; with `target_sparsity`, where λ starts; with `budget`, none.
        open: of top-k gates: how many are open at once, a number or a percentage of all gates; null is half of them.
        penalise: `gate`, the sum of all gates by magnitude; `l0`, the expected number of hard-concrete gates that are
            not zero; `entropy`, the sum of their binary entropies in nats, which pushes gates to 0 or 1; `cost`, the
            sum of gates, each times the MACs that its connection brings over the mean of all; `expected-cost`, what the
            network costs if each gate is as likely open as it is large, with a λ for each count of `budget`. Null is
            `l0` for hard-concrete gates, `entropy` for softmax gates, else `gate`.
        penalty_warmup: how long λ grows linearly from 0: a share of the training, like 0.5, or a whole number of
            epochs; 0 is not at all.
        target_sparsity: the share of connections that is to end below 0.01, within 0.05; λ is raised until it is
            reached, and from 40% of the training on it acts on the lowest gates alone. Null leaves λ.
        budget: of `expected-cost`: after the warm-up, which has no penalty, each λ grows while its count is over the
            budget and falls while it is under it.
        ungated: the targets that read their connections without gates; null is the first layer, if it reads the input
            alone.
    """

    kind: Annotated[str, OneOf(GATE_KINDS)] = "sigmoid"
    sharing: Literal["shared", "per-feature-map"] = "shared"
    initialisation: Annotated[Initialisation, Field(discriminator="kind")] = Constant()
    temperature: Temperature = Temperature()
    open: Amount | None = None
    rate: Positive | None = None
    penalty: NonNegative = 0.0
    penalise: Literal["gate", "l0", "entropy", "cost", "expected-cost"] | None = None
    penalty_warmup: Duration = 0
    target_sparsity: Fraction | None = None
    budget: CostBudget | None = None
    ungated: tuple[Name, ...] | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        kind = self.kind_class
        if self.penalise == "l0" and not kind.has_exact_zeros:
            able = " or ".join(name for name, other in GATE_KINDS.items() if other.has_exact_zeros)
            raise UnsuitableKeyError("penalise", f"penalise l0 belongs to {able} gates, but these are {self.kind}")
        if self.penalise in kind.unsuitable_penalties:
            reason = kind.unsuitable_penalties[self.penalise]
            raise UnsuitableKeyError("penalise", f"penalise {self.penalise} {reason}")
        if (self.penalise == "expected-cost") != (self.budget is not None):
            raise UnsuitableKeyError("penalise", "penalise expected-cost and a budget belong together")
        for key in sorted(own_keys(GATE_KINDS) - kind.keys):
            if getattr(self, key) is not None:
                raise UnsuitableKeyError(
                    key, f"{key} belongs to {takers(GATE_KINDS, key)} gates, but these are {self.kind}"
                )
        kind.check(self)
        self._check_target()
        return self

    def _check_target(self) -> None:
        if self.target_sparsity is None:
            return
        if self.budget is not None:
            raise UnsuitableKeyError("target_sparsity", "target_sparsity and budget are two targets; give one of them")
        if self.penalised == "entropy" and not self.kind_class.are_linked:
            raise UnsuitableKeyError(
                "penalise",
                "target_sparsity closes gates, but penalise entropy moves each gate to the end that it is nearer to, 0 "
                "or 1; take penalise gate",
            )
        if not self.penalty:
            raise UnsuitableKeyError(
                "target_sparsity", "target_sparsity raises the penalty from where it starts, but penalty is 0"
            )

    @property
    def kind_class(self) -> type[GateKind]:
        """What goes with their kind."""
        return GATE_KINDS[self.kind]

    def of_a_cut(self) -> "Gates":
        """The gates that a cut has: each is what it was, also where that depended on gates that have gone."""
        if not self.kind_class.are_linked:
            return self
        kept = ("sharing", "initialisation", "rate", "ungated")
        return Gates(kind="linear", **{name: getattr(self, name) for name in kept})

    def decided(self) -> "Gates":
        """The gates of a wiring that is found: not penalised any more, and not drawn where there is a kind for that."""
        kind = self.kind_class.decided or self.kind
        end = self.temperature.end
        free = {"penalty": 0.0, "penalise": None, "budget": None, "target_sparsity": None}
        return self.model_copy(update={**free, "kind": kind, "temperature": Temperature(start=end, end=end)})

    def warmup_epochs(self, epochs: int) -> float:
        """How many of so many epochs `penalty_warmup` takes."""
        return epochs_of(self.penalty_warmup, epochs)

    @property
    def penalised(self) -> str:
        """What the penalty sums up."""
        return self.penalise or self.kind_class.penalised


def _none_by_name(value: Any) -> Any:
    return None if value == "none" else value


OptionalGates = Annotated[
    SerializeAsAny[Gates] | None,
    BeforeValidator(_none_by_name, json_schema_input_type=Gates | Literal["none"] | None),
]
