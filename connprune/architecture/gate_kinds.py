"""What each kind of gates is as data, and the registry in which `gates.kind` in YAML is looked up.

A kind is two classes, as an aggregate is: one here, which says what goes with it and needs no torch, and a torch
module, which makes gates of w; the first one names it, and it is imported when a network is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from connprune.architecture.base import UnsuitableKeyError
from connprune.registry import Registry

if TYPE_CHECKING:
    from connprune.architecture.gates import Gates


class GateKind:
    """How gates are made of their w.

    The first line of a subclass's docstring says so to users.
    """

    # What `gates.kind` says in YAML.
    name: ClassVar[str]
    # Where the torch module is, as "package.module:Class"; called with the architecture.
    module: ClassVar[str]
    # What makes a gate of w in evaluation: kinds of the same function can go on from each other's w.
    function: ClassVar[str] = "sigmoid"
    # The kind that does in evaluation what this one does, for a wiring that is found; None is this one.
    decided: ClassVar[str | None] = None
    # Whether a gate is a function of w over the temperature.
    has_temperature: ClassVar[bool] = True
    # Whether all gates can become smaller and let through the same, but for its scale.
    can_shrink: ClassVar[bool] = False
    # Whether a gate depends on what the others are.
    are_linked: ClassVar[bool] = False
    # Whether the module has to know the architecture.
    needs_architecture: ClassVar[bool] = False
    # The keys of `gates` that must be null for kinds that do not name them here.
    keys: ClassVar[frozenset[str]] = frozenset()
    # What is penalised where `penalise` is null.
    penalised: ClassVar[str] = "gate"
    # Whether gates can be exactly 0 with a probability that has a gradient, which `penalise: l0` sums up.
    has_exact_zeros: ClassVar[bool] = False
    # Why what `penalise` names makes no sense for these gates.
    unsuitable_penalties: ClassVar[dict[str, str]] = {}

    @classmethod
    def check(cls, gates: Gates) -> None:
        """Refuses settings that make no sense for this kind, beyond what its attributes say.

        Raises:
            UnsuitableKeyError: names the key.
        """


GATE_KINDS: Registry[type[GateKind]] = Registry(
    "kind of gates", "connprune.gates", lambda kind: getattr(kind, "name", None), GateKind
)
register = GATE_KINDS.register


@register
class Sigmoid(GateKind):
    """A gate is sigmoid(w / temperature), in (0, 1)."""

    name = "sigmoid"
    module = "connprune.network.gate_kinds:Sigmoid"
    can_shrink = True


@register
class Linear(GateKind):
    """A gate is w itself."""

    name = "linear"
    module = "connprune.network.gate_kinds:Linear"
    function = "linear"
    has_temperature = False
    can_shrink = True
    unsuitable_penalties: ClassVar[dict[str, str]] = dict.fromkeys(
        ("entropy", "expected-cost"), "needs gates between 0 and 1, but these are linear"
    )


@register
class HardConcrete(GateKind):
    """A gate is random in training, in [0, 1] with exact zeros and ones, and fixed in evaluation."""

    name = "hard-concrete"
    module = "connprune.network.gate_kinds:HardConcrete"
    function = "hard-concrete"
    has_temperature = False
    penalised = "l0"
    has_exact_zeros = True


@register
class Bernoulli(GateKind):
    """A gate is 1 with probability p = sigmoid(w / temperature) and else 0 in training, drawn anew in each step.

    Its gradient is that of p (straight-through); in evaluation and for a cut it is p.
    """

    name = "bernoulli"
    module = "connprune.network.gate_kinds:Bernoulli"
    decided = "sigmoid"


@register
class TopK(GateKind):
    """Of all gates the `open` with the largest w are sigmoid(w / temperature), and the others 0.

    The gradient passes to all as if none were 0.
    """

    name = "top-k"
    module = "connprune.network.gate_kinds:TopK"
    are_linked = True
    needs_architecture = True
    keys = frozenset({"open"})

    @classmethod
    def check(cls, gates: Gates) -> None:
        if gates.penalty or gates.budget is not None:
            raise UnsuitableKeyError(
                "penalty" if gates.penalty else "budget",
                f"{cls.name} gates are as many as open says, so there is nothing to penalise; give penalty 0, and no "
                "budget",
            )


@register
class Softmax(GateKind):
    """The gates of a target's connections are the softmax of their w / temperature."""

    name = "softmax"
    module = "connprune.network.gate_kinds:Softmax"
    function = "softmax"
    are_linked = True
    needs_architecture = True
    penalised = "entropy"
    unsuitable_penalties: ClassVar[dict[str, str]] = {
        "expected-cost": "needs gates that open each by itself, but softmax gates of a target add up to 1",
        "gate": "has no effect on softmax gates, since those of a target add up to 1; take entropy",
    }

    @classmethod
    def check(cls, gates: Gates) -> None:
        if gates.sharing != "shared":
            raise UnsuitableKeyError(
                "sharing", f"{cls.name} gates weigh the connections of a target, so sharing must be shared"
            )


@register
class Reinforce(GateKind):
    """As `bernoulli`, but the gates learn from the loss of each draw alone (score function)."""

    name = "reinforce"
    module = "connprune.network.gate_kinds:Reinforce"
    decided = "sigmoid"
    needs_architecture = True
