"""The optimizers of torch.optim besides Adam, AdamW and SGD, as data. Nothing here imports torch.

A class for each: its keys are torch's arguments, with torch's defaults, and what makes it is torch's class of the same
name. Not here are LBFGS, whose step evaluates the loss several times; SparseAdam, which is for sparse gradients; and
Muon, which is for matrices alone.
"""

from typing import Annotated, Literal

from pydantic import Field

from connprune.architecture.base import Fraction, NonNegative, Positive, Switch
from connprune.training.optimizers import OPTIMIZERS, Optimizer

Betas = tuple[Fraction, Fraction]


class Decaying(Optimizer):
    """One that adds the weight decay to the gradient.

    Attributes:
        weight_decay: of the weights of convolutions and dense layers; biases and gates have none.
    """

    weight_decay: NonNegative = 0.0


@OPTIMIZERS.register
class RMSprop(Decaying):
    """The gradient divided by the root of a moving average of its squares (Tieleman, Hinton 2012).

    Attributes:
        alpha: what the moving average keeps a step.
        eps: what is added to the root.
        momentum: how much of the last step is in the next one.
        centered: whether the square of the gradient's moving average is subtracted from that of its squares.
    """

    kind: Literal["rmsprop"] = "rmsprop"
    rate: Positive = 1e-2
    alpha: Fraction = 0.99
    eps: Positive = 1e-8
    momentum: Fraction = 0.0
    centered: Switch = False

    implementation = "connprune.training.optimizer:RMSprop"


class _Moments(Decaying):
    """One with moving averages of the gradient and of its squares.

    Attributes:
        betas: what the two moving averages keep a step.
        eps: what is added to the root of the second.
    """

    betas: Betas = (0.9, 0.999)
    eps: Positive = 1e-8


@OPTIMIZERS.register
class NAdam(_Moments):
    """Adam with Nesterov's momentum (Dozat 2016).

    Attributes:
        momentum_decay: how fast the momentum grows.
        decoupled_weight_decay: whether the weight decay is subtracted from the weights, as of AdamW.
    """

    kind: Literal["nadam"] = "nadam"
    rate: Positive = 2e-3
    momentum_decay: NonNegative = 4e-3
    decoupled_weight_decay: Switch = False

    implementation = "connprune.training.optimizer:NAdam"


@OPTIMIZERS.register
class RAdam(_Moments):
    """Adam whose first steps are rectified by how well the variance is known (Liu and others 2020).

    Attributes:
        decoupled_weight_decay: whether the weight decay is subtracted from the weights, as of AdamW.
    """

    kind: Literal["radam"] = "radam"
    decoupled_weight_decay: Switch = False

    implementation = "connprune.training.optimizer:RAdam"


@OPTIMIZERS.register
class Adamax(_Moments):
    """Adam with the largest of the gradients in place of the root of their squares (Kingma, Ba 2015)."""

    kind: Literal["adamax"] = "adamax"
    rate: Positive = 2e-3

    implementation = "connprune.training.optimizer:Adamax"


@OPTIMIZERS.register
class Adagrad(Decaying):
    """The gradient divided by the root of the sum of all its squares (Duchi, Hazan, Singer 2011).

    Attributes:
        lr_decay: how fast the rate falls with the steps.
        initial_accumulator_value: what the sum begins with.
        eps: what is added to the root.
    """

    kind: Literal["adagrad"] = "adagrad"
    rate: Positive = 1e-2
    lr_decay: NonNegative = 0.0
    initial_accumulator_value: NonNegative = 0.0
    eps: Positive = 1e-10

    implementation = "connprune.training.optimizer:Adagrad"


@OPTIMIZERS.register
class Adadelta(Decaying):
    """Steps in the unit of the weights (Zeiler 2012).

    Attributes:
        rho: what the moving averages of the squares keep a step.
        eps: what is added to the roots.
    """

    kind: Literal["adadelta"] = "adadelta"
    rate: Positive = 1.0
    rho: Fraction = 0.9
    eps: Positive = 1e-6

    implementation = "connprune.training.optimizer:Adadelta"


@OPTIMIZERS.register
class ASGD(Decaying):
    """Averaged stochastic gradient descent (Polyak, Juditsky 1992); the network has the weights, not their average.

    Attributes:
        lambd: how fast the weights decay and the rate falls.
        alpha: the power with which the rate falls.
        t0: the step from which on the weights are averaged.
    """

    kind: Literal["asgd"] = "asgd"
    rate: Positive = 1e-2
    lambd: NonNegative = 1e-4
    alpha: NonNegative = 0.75
    t0: NonNegative = 1e6

    implementation = "connprune.training.optimizer:ASGD"


@OPTIMIZERS.register
class Rprop(Optimizer):
    """Steps by the signs of the gradients, with a length for each weight (Riedmiller, Braun 1993), for whole batches.

    The rate is the first length alone, so no schedule has an effect.

    Attributes:
        etas: what the length is multiplied by where the sign changed, and where it did not.
        step_sizes: the least and the greatest length.
    """

    kind: Literal["rprop"] = "rprop"
    rate: Positive = 1e-2
    etas: tuple[Fraction, Annotated[float, Field(strict=True, gt=1, allow_inf_nan=False)]] = (0.5, 1.2)
    step_sizes: tuple[Positive, Positive] = (1e-6, 50.0)

    implementation = "connprune.training.optimizer:Rprop"


@OPTIMIZERS.register
class Adafactor(Optimizer):
    """Adam whose moving average of squares is one of rows and one of columns (Shazeer, Stern 2018): less memory.

    Attributes:
        beta2_decay: the power of the step with which the moving average forgets less, below 0.
        d: the root mean square that a step has at most.
        weight_decay: subtracted from the weights of convolutions and dense layers; biases and gates have none.
    """

    kind: Literal["adafactor"] = "adafactor"
    rate: Positive = 1e-2
    beta2_decay: Annotated[float, Field(strict=True, le=0, allow_inf_nan=False)] = -0.8
    d: Annotated[float, Field(strict=True, ge=1, allow_inf_nan=False)] = 1.0
    weight_decay: NonNegative = 0.0

    implementation = "connprune.training.optimizer:Adafactor"
