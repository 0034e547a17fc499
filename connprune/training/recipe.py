"""The recipe of a training, as data. Nothing here imports torch."""

from typing import Annotated, Literal

from pydantic import Field

from connprune.architecture.base import Count, Frozen, NonNegative, NonNegativeInt, Positive, Switch

# From so many times the layers' outputs on, concatenations are what fills the memory.
RECOMPUTE_FROM = 4
# A training that diverges again after so many halvings of its rates has another fault than its rates.
MOST_ROLLBACKS = 3


class Optimizer(Frozen):
    """Adam (Kingma, Ba 2015), or AdamW with decoupled weight decay (Loshchilov, Hutter 2019).

    Attributes:
        kind: `adam` adds the decay to the gradient, `adamw` subtracts it from the weight.
        rate: the learning rate of the weights, and of the gates unless they have their own.
        weight_decay: of the weights of convolutions and dense layers; biases and gates have none.
    """

    kind: Literal["adam", "adamw"] = "adam"
    rate: Positive = 1e-3
    weight_decay: NonNegative = 0.0


class Plateau(Frozen):
    """The rates fall when the validation loss does not.

    Attributes:
        factor: what the rates are multiplied by.
        patience: after so many epochs without a lower validation loss.
        floor: no rate falls below it.
    """

    kind: Literal["plateau"] = "plateau"
    factor: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.1
    patience: Count = 5
    floor: NonNegative = 1e-7


class Cosine(Frozen):
    """The rates fall along half a cosine from their start to 0 over all epochs (Loshchilov, Hutter 2017)."""

    kind: Literal["cosine"] = "cosine"


class Fixed(Frozen):
    """The rates stay as they are."""

    kind: Literal["constant"] = "constant"


Schedule = Plateau | Cosine | Fixed


class Recipe(Frozen):
    """How a network is trained.

    Attributes:
        seed: of the split, the initial weights, the order of the images, the augmentation and dropout.
        epochs: passes over the training images.
        batch_size: images a step; the last step of an epoch takes what is left. A single image that a batch
            normalisation could not learn from, as of 1×1 maps, joins the step before.
        optimizer: what takes the steps.
        schedule: how the learning rates change over the epochs.
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
    """

    seed: NonNegativeInt = 1337
    epochs: Count = 200
    batch_size: Count = 32
    optimizer: Optimizer = Optimizer()
    schedule: Annotated[Schedule, Field(discriminator="kind")] = Fixed()
    recompute: Switch | Literal["auto"] = "auto"
    precision: Literal["auto", "float32", "tf32", "bfloat16"] = "auto"
    capture: Switch = True
    compile: Switch = False
    deterministic: Switch = False
    checkpoint_minutes: Positive = 1.0
    checkpoint_epochs: Count | None = None
    on_nan: Literal["stop", "rollback"] = "stop"
