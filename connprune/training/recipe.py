"""The recipe of a training, as data. Nothing here imports torch."""

from typing import Literal, Self

from pydantic import model_validator

from connprune.architecture.base import (
    Count,
    Fraction,
    Frozen,
    NonNegativeInt,
    Positive,
    Switch,
    UnsuitableKeyError,
)
from connprune.training import torch_optimizers as torch_optimizers
from connprune.training.optimizers import OPTIMIZER as OPTIMIZER
from connprune.training.optimizers import OPTIMIZERS as OPTIMIZERS
from connprune.training.optimizers import SGD as SGD
from connprune.training.optimizers import Adam as Adam
from connprune.training.optimizers import AdamW as AdamW
from connprune.training.optimizers import AnyOptimizer
from connprune.training.optimizers import Optimizer as Optimizer
from connprune.training.schedules import AnySchedule, Fixed

# From so many times the layers' outputs on, concatenations are what fills the memory.
RECOMPUTE_FROM = 4
# A training that diverges again after so many halvings of its rates has another fault than its rates.
MOST_ROLLBACKS = 3


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
        sampling: `balanced` draws as many images of each class for an epoch: of a small class each several times, of a
            large one other ones in each epoch. null draws each image once.
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
        images: where the images are: `device`, all of them in its memory; `host`, in the host's, from where batches are
            copied while the device computes on the one before; `auto`, in the host's if they would take more than half
            of a GPU's memory. The training is the same.
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
    sampling: Literal["balanced"] | None = None
    clip_norm: Positive | None = None
    accumulate: Count = 1
    ema_decay: Fraction | None = None
    early_stopping: Count | None = None
    recompute: Switch | Literal["auto"] = "auto"
    precision: Literal["auto", "float32", "tf32", "bfloat16"] = "auto"
    images: Literal["auto", "device", "host"] = "auto"
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

    @model_validator(mode="after")
    def _check_balance(self) -> Self:
        if self.sampling and self.class_weights:
            raise UnsuitableKeyError(
                "sampling", "sampling and class_weights would both balance the classes; choose one"
            )
        return self
