"""An epoch of a training."""

from connprune.documents.base import Fraction, Natural, Sparse


class EpochMetrics(Sparse):
    """A line of `metrics.jsonl`; what a network without gates, or without a budget, does not have is left out.

    Attributes:
        epoch: its number, from 1.
        train_loss: mean cross-entropy over its steps.
        train_accuracy: likewise, 0 to 1.
        validation_loss: mean cross-entropy on validation images after it.
        validation_accuracy: likewise, 0 to 1.
        rate: the learning rate of the weights.
        gate_rate: the learning rate of the gates.
        penalty: λ at its end.
        expected_parameters: with a budget, of the network once its gates have decided.
        expected_macs: likewise, per image.
        epoch_seconds: how long it took.
        images_per_second: that were trained on.
        gates_closed: how many connections have a gate below 0.01.
    """

    epoch: Natural
    train_loss: float
    train_accuracy: Fraction
    validation_loss: float
    validation_accuracy: Fraction
    rate: float
    gate_rate: float | None = None
    penalty: float | None = None
    expected_parameters: float | None = None
    expected_macs: float | None = None
    epoch_seconds: float
    images_per_second: float
    gates_closed: Natural | None = None
