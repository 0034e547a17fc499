"""How large a network is."""

from connprune.documents.base import Fraction, Natural, Part


class Size(Part):
    """The counts of a network.

    Attributes:
        connections: with and without gates.
        feature_maps: counted once for each connection that carries them.
        layers: without the head.
        parameters: that are learned, gates included.
        macs: multiply-accumulates per image.
    """

    connections: Natural
    feature_maps: Natural
    layers: Natural
    parameters: Natural
    macs: Natural


class Evaluated(Size):
    """A network with its results, losses as mean cross-entropy, accuracies 0 to 1.

    Attributes:
        validation_loss: on validation images.
        validation_accuracy: likewise.
        test_loss: on test images.
        test_accuracy: likewise.
    """

    validation_loss: float
    validation_accuracy: Fraction
    test_loss: float
    test_accuracy: Fraction
