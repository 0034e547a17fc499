"""Optimizers, as data. Nothing here imports torch."""

from typing import Annotated, ClassVar, Literal

from pydantic import PlainValidator, SerializeAsAny

from connprune.architecture.base import Fraction, Frozen, NonNegative, Positive, Switch
from connprune.architecture.kinds import kind_of, of_kind
from connprune.registry import Registry


class Optimizer(Frozen):
    """What takes the steps.

    A class of your own has keys of its own, and names the class in `implementation` that they are given to.

    Attributes:
        kind: its name in the registry.
        rate: the learning rate of the weights, and of the gates unless they have their own.
    """

    kind: str
    rate: Positive = 1e-3

    # Where the class is, as "package.module:Class", of the interface of torch.optim; called with groups of parameters,
    # each with its `lr` and `weight_decay`, with `lr` and with `arguments`.
    implementation: ClassVar[str]

    def arguments(self) -> dict[str, object]:
        """What the class is called with besides: the keys that are its own."""
        return self.model_dump(exclude={"kind", "rate", "weight_decay"})


class _Adam(Optimizer):
    """Adam.

    Attributes:
        weight_decay: of the weights of convolutions and dense layers; biases and gates have none.
    """

    weight_decay: NonNegative = 0.0

    def arguments(self) -> dict[str, object]:
        return {"fused": True}


class Adam(_Adam):
    """Adam (Kingma, Ba 2015), which adds the weight decay to the gradient.

    Attributes:
        kind: its name in the registry; also that of a section without one.
    """

    kind: Literal["adam"] = "adam"

    implementation = "connprune.training.optimizer:Adam"


class AdamW(_Adam):
    """Adam that subtracts the weight decay from the weights (Loshchilov, Hutter 2019)."""

    kind: Literal["adamw"] = "adamw"

    implementation = "connprune.training.optimizer:AdamW"


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Sutskever, Martens, Dahl, Hinton 2013).

    The weight decay is added to the gradient; biases, the weights of normalisations and gates have none.

    Attributes:
        momentum: how much of the last step is in the next one.
        nesterov: whether the gradient is taken as if the momentum's part of the step were done.
        weight_decay: of the weights of convolutions and dense layers.
    """

    kind: Literal["sgd"] = "sgd"
    rate: Positive = 0.1
    momentum: Fraction = 0.9
    nesterov: Switch = True
    weight_decay: NonNegative = 0.0

    implementation = "connprune.training.optimizer:SGD"

    def arguments(self) -> dict[str, object]:
        return {"momentum": self.momentum, "nesterov": self.nesterov and self.momentum > 0, "fused": True}


OPTIMIZERS: Registry[type[Optimizer]] = Registry("optimizer", "connprune.optimizers", kind_of, Optimizer)
OPTIMIZERS.register(Adam)
OPTIMIZERS.register(AdamW)
OPTIMIZERS.register(SGD)
# The kind of a section without one.
OPTIMIZER = "adam"
AnyOptimizer = Annotated[SerializeAsAny[Optimizer], PlainValidator(of_kind(OPTIMIZERS, Optimizer, OPTIMIZER))]
