"""The recipe of a training, as data. Nothing here imports torch."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import PlainValidator, SerializeAsAny, model_validator

from connprune.architecture.base import (
    Count,
    Fraction,
    Frozen,
    NonNegative,
    NonNegativeInt,
    Positive,
    Switch,
    UnsuitableKeyError,
)
from connprune.architecture.kinds import kind_of, of_kind
from connprune.registry import Registry
from connprune.training.schedules import AnySchedule, Fixed

# From so many times the layers' outputs on, concatenations are what fills the memory.
RECOMPUTE_FROM = 4
# A training that diverges again after so many halvings of its rates has another fault than its rates.
MOST_ROLLBACKS = 3


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


class Recipe(Frozen):
    """How a network is trained.

    Attributes:
        seed: of the split, the initial weights, the order of the images, the augmentation and dropout.
        epochs: passes over the training images.
        batch_size: images a step; the last step of an epoch takes what is left. A single image that a batch
            normalisation could not learn from, as of 1×1 maps, joins the step before.
        optimizer: what takes the steps.
        schedule: how the learning rates change over the training.
        label_smoothing: the share of each label that is spread over all classes.
        class_weights: `balanced` weighs each image by the inverse of its class's size, 1 on average; null weighs all
            alike.
        clip_norm: gradients whose norm, over all weights and gates, is larger are scaled down to it; null scales none.
        accumulate: the parts of a batch that go through the network one after the other, with their gradients added up:
            less memory. A batch normalisation sees each part by itself.
        ema_decay: the exponential moving average of the weights with this decay a step, like 0.999, is the model that
            is validated and kept; null keeps the weights themselves.
        early_stopping: the training ends after so many epochs without a lower validation loss, counted from the end of
            the warm-up of a penalty on; null trains for all epochs.
        recompute: whether the backward pass puts concatenations together again instead of keeping them: less memory for
            a little time. `auto` does so where they would be more than four times the layers' own outputs.
        precision: of the arithmetic; weights stay in float32. `float32`; `tf32`, where GPUs that can round products to
            10 bits; `bfloat16`, activations and products of 8 bits; `auto`, on such a GPU `tf32`, else `float32`: where
            a run begins decides it, for all that is made from the run.
        capture: whether steps on CUDA are recorded once and replayed, which spares launching each operation.
        compile: whether torch compiles the network for the steps of a training in one process: minutes before the
            first, for fewer and larger operations in each. It needs a C++ compiler, and Triton on a GPU.
        deterministic: whether operations on CUDA add up in a fixed order, so that equal trainings on one kind of GPU,
            with the same torch and driver, give the same bits; they take longer. On a CPU they do so anyway.
        checkpoint_minutes: a checkpoint is written when the last one is so many minutes old: after an epoch, or within
            one that takes longer; on interruption and at the end in any case.
        checkpoint_epochs: and after every so many epochs; null leaves that to the minutes.
        on_nan: what happens when the loss is no finite number. `stop` ends the training; `rollback` goes back to the
            end of the last epoch and on with half the learning rates, at most three times.
        keep_early: the epoch whose weights are kept in `early.safetensors`, for a cut to be rewound to (Frankle et al.
            2020); 0 are those that the training starts from, null keeps none.
    """

    seed: NonNegativeInt = 1337
    epochs: Count = 200
    batch_size: Count = 32
    optimizer: AnyOptimizer = Adam()
    schedule: AnySchedule = Fixed()
    label_smoothing: Fraction = 0.0
    class_weights: Literal["balanced"] | None = None
    clip_norm: Positive | None = None
    accumulate: Count = 1
    ema_decay: Fraction | None = None
    early_stopping: Count | None = None
    recompute: Switch | Literal["auto"] = "auto"
    precision: Literal["auto", "float32", "tf32", "bfloat16"] = "auto"
    capture: Switch = True
    compile: Switch = False
    deterministic: Switch = False
    checkpoint_minutes: Positive = 1.0
    checkpoint_epochs: Count | None = None
    on_nan: Literal["stop", "rollback"] = "stop"
    keep_early: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _check_early(self) -> Self:
        if self.keep_early is not None and self.keep_early > self.epochs:
            expected = f"expected at most epochs, {self.epochs}"
            raise UnsuitableKeyError("keep_early", f"keep_early is {self.keep_early}, {expected}")
        return self
