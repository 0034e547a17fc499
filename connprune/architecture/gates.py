"""The settings of the gates: what a gate is, where it starts, and what pushes it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny

from connprune.architecture.base import Frozen, Name, NonNegative, NonNegativeInt, Positive, Real


class Constant(Frozen):
    """Every gate starts at the same w.

    Attributes:
        value: w.
    """

    kind: Literal["constant"]
    value: Real = 0.5


class Normal(Frozen):
    """Every gate's w is drawn from a normal distribution.

    Attributes:
        mean: of w.
        deviation: the standard deviation of w.
    """

    kind: Literal["normal"]
    mean: Real = 0.5
    deviation: NonNegative = 0.1


class FeedForward(Frozen):
    """The chain starts more open than the skips.

    Attributes:
        chain: w of each connection from the layer just before.
        rest: w of all others.
    """

    kind: Literal["feed-forward"]
    chain: Real = 1.0
    rest: Real = 0.5


Initialisation = Constant | Normal | FeedForward


class Gates(Frozen):
    """One learned gate per connection or per feature map of it.

    Attributes:
        kind: `sigmoid`, a gate is sigmoid(w), in (0, 1); `linear`, a gate is w itself.
        sharing: `shared`, one gate for a connection; `per-feature-map`, one for each feature map of its source.
        initialisation: where w starts, before the sigmoid.
        rate: the learning rate of the gates; None is the rate of the weights.
        penalty: λ of the term λ·Σ gate in the loss; linear gates count by their magnitude.
        penalty_warmup: epochs over which λ grows linearly from 0; 0 is none.
        ungated: the targets that read their connections without gates; None is the first layer.
    """

    kind: Literal["sigmoid", "linear"] = "sigmoid"
    sharing: Literal["shared", "per-feature-map"] = "shared"
    initialisation: Annotated[Initialisation, Field(discriminator="kind")] = Constant(kind="constant")
    rate: Positive | None = None
    penalty: NonNegative = 0.0
    penalty_warmup: NonNegativeInt = 0
    ungated: tuple[Name, ...] | None = None


def _none_by_name(value: Any) -> Any:
    return None if value == "none" else value


OptionalGates = Annotated[SerializeAsAny[Gates] | None, BeforeValidator(_none_by_name)]
