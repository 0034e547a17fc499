"""The settings of the gates: what a gate is, where it starts, and what pushes it."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator
from pydantic_core import PydanticCustomError

from connprune.architecture.base import Fraction, Frozen, Name, NonNegative, Positive, Real, UnsuitableKeyError


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
        kind: `sigmoid`, a gate is sigmoid(w / temperature), in (0, 1); `linear`, a gate is w itself; `hard-concrete`, a
            gate is random in training, in [0, 1] with exact zeros and ones, and fixed in evaluation; `bernoulli`, a
            gate is 1 with probability p = sigmoid(w / temperature) and else 0 in training, drawn anew in each step, and
            its gradient is that of p (straight-through); in evaluation and for a cut it is p; `top-k`, of all gates
            the `open` with the largest w are sigmoid(w / temperature), the others 0, and the gradient passes to all as
            if none were 0; `softmax`, the gates of a target's connections are the softmax of their w / temperature;
            `reinforce`, as `bernoulli`, but the gates learn from the loss of each draw alone (score function).
        sharing: `shared`, one gate for a connection; `per-feature-map`, one for each feature map of its source.
        initialisation: where w starts.
        temperature: of all but linear and hard-concrete gates, which have none, whatever stands here.
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
        ungated: the targets that read their connections without gates; null is the first layer.
    """

    kind: Literal["sigmoid", "linear", "hard-concrete", "bernoulli", "top-k", "softmax", "reinforce"] = "sigmoid"
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
        if self.penalise == "l0" and self.kind != "hard-concrete":
            raise UnsuitableKeyError(
                "penalise", f"penalise l0 belongs to hard-concrete gates, but these are {self.kind}"
            )
        if self.penalise == "entropy" and self.kind == "linear":
            raise UnsuitableKeyError("penalise", "penalise entropy needs gates between 0 and 1, but these are linear")
        if (self.penalise == "expected-cost") != (self.budget is not None):
            raise UnsuitableKeyError("penalise", "penalise expected-cost and a budget belong together")
        if self.budget is not None and self.kind == "linear":
            raise UnsuitableKeyError(
                "penalise", "penalise expected-cost needs gates between 0 and 1, but these are linear"
            )
        if self.open is not None and self.kind != "top-k":
            raise UnsuitableKeyError("open", f"open belongs to top-k gates, but these are {self.kind}")
        if self.kind == "top-k" and (self.penalty or self.budget is not None):
            raise UnsuitableKeyError(
                "penalty" if self.penalty else "budget",
                "top-k gates are as many as open says, so there is nothing to penalise; give penalty 0, and no budget",
            )
        if self.kind == "softmax":
            self._check_softmax()
        if self.budget is not None and self.target_sparsity is not None:
            raise UnsuitableKeyError("target_sparsity", "target_sparsity and budget are two targets; give one of them")
        if self.target_sparsity is not None and self.penalised == "entropy" and self.kind != "softmax":
            raise UnsuitableKeyError(
                "penalise",
                "target_sparsity closes gates, but penalise entropy moves each gate to the end that it is nearer to, 0 "
                "or 1; take penalise gate",
            )
        if self.target_sparsity is not None and not self.penalty:
            raise UnsuitableKeyError(
                "target_sparsity", "target_sparsity raises the penalty from where it starts, but penalty is 0"
            )
        return self

    def _check_softmax(self) -> None:
        if self.sharing != "shared":
            raise UnsuitableKeyError(
                "sharing", "softmax gates weigh the connections of a target, so sharing must be shared"
            )
        if self.budget is not None:
            raise UnsuitableKeyError(
                "penalise",
                "penalise expected-cost needs gates that open each by itself, but softmax gates of a target add up "
                "to 1",
            )
        if self.penalise == "gate":
            raise UnsuitableKeyError(
                "penalise", "softmax gates of a target add up to 1, so penalise gate has no effect; take entropy"
            )

    @property
    def has_temperature(self) -> bool:
        """Whether a gate is a function of w over the temperature."""
        return self.kind not in ("linear", "hard-concrete")

    @property
    def function(self) -> str:
        """What makes a gate of w: gates of two kinds with the same function are the same for the same w."""
        return self.kind if self.kind in ("linear", "hard-concrete", "softmax") else "sigmoid"

    @property
    def can_shrink(self) -> bool:
        """Whether all gates can become smaller and let through the same, but for its scale."""
        return self.kind in ("sigmoid", "linear")

    @property
    def are_linked(self) -> bool:
        """Whether a gate depends on what the others are."""
        return self.kind in ("top-k", "softmax")

    def of_a_cut(self) -> "Gates":
        """The gates that a cut has: each is what it was, also where that depended on gates that have gone."""
        if not self.are_linked:
            return self
        kept = ("sharing", "initialisation", "rate", "ungated")
        return Gates(kind="linear", **{name: getattr(self, name) for name in kept})

    def decided(self) -> "Gates":
        """The gates of a wiring that is found: not penalised any more, and not drawn where there is a kind for that."""
        # In evaluation both are what sigmoid gates are.
        kind = "sigmoid" if self.kind in ("bernoulli", "reinforce") else self.kind
        end = self.temperature.end
        free = {"penalty": 0.0, "penalise": None, "budget": None, "target_sparsity": None}
        return self.model_copy(update={**free, "kind": kind, "temperature": Temperature(start=end, end=end)})

    def warmup_epochs(self, epochs: int) -> float:
        """How many of so many epochs `penalty_warmup` takes."""
        return epochs_of(self.penalty_warmup, epochs)

    @property
    def penalised(self) -> str:
        """What the penalty sums up."""
        return self.penalise or {"hard-concrete": "l0", "softmax": "entropy"}.get(self.kind, "gate")


def _none_by_name(value: Any) -> Any:
    return None if value == "none" else value


OptionalGates = Annotated[
    SerializeAsAny[Gates] | None,
    BeforeValidator(_none_by_name, json_schema_input_type=Gates | Literal["none"] | None),
]
