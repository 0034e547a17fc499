"""What a run leaves besides what later commands need."""

from connprune.architecture.base import Frozen, Switch


class RunSettings(Frozen):
    """What a run leaves besides what later commands need; it changes nothing of the training.

    Attributes:
        tensorboard: write losses, accuracies, rates and gates after each epoch as TensorBoard events into
            `tensorboard/`; needs `pip install 'connprune[tensorboard]'`.
    """

    tensorboard: Switch = False
