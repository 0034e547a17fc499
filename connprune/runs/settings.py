"""What a run leaves besides what later commands need."""

from connprune.architecture.base import Frozen, Name, Switch


class RunSettings(Frozen):
    """What a run leaves besides what later commands need; it changes nothing of the training.

    Attributes:
        tensorboard: write losses, accuracies, rates and gates after each epoch as TensorBoard events into
            `tensorboard/`; needs `pip install 'connprune[tensorboard]'`.
        callbacks: what is told of each epoch and of the end: `wandb`, `mlflow`, or of a plug-in.
    """

    tensorboard: Switch = False
    callbacks: tuple[Name, ...] = ()
