"""An exported network or drawing."""

from typing import Literal

from connprune.documents.base import Document, Natural, Part


class Preprocessing(Part):
    """What has to happen to an image before the network reads it; stands in the metadata of an exported file.

    Attributes:
        type: of a pixel.
        values: the smallest and the largest; None of arrays of other numbers than pixel values.
        layout: of a batch.
        shape: of an image: feature maps, height, width.
        channels: what the feature maps are; None if that is not known.
        resize: height and width to resize to; None is as they are.
        rows_become_steps: whether an image is a sequence of its rows.
        normalisation: where it happens.
    """

    type: str
    values: tuple[Natural, Natural] | None = (0, 255)
    layout: Literal["NCHW"] = "NCHW"
    shape: tuple[Natural, Natural, Natural]
    channels: str | None
    resize: tuple[Natural, Natural] | None
    rows_become_steps: bool
    normalisation: Literal["in the network"] = "in the network"


class Export(Document):
    """What `export` makes.

    Attributes:
        kind: what it is.
        path: the file; None of a drawing that was printed.
        run: the directory of the run.
        format: of the file.
        layers: of the network, without the head.
        connections: likewise.
        parameters: likewise.
        macs: multiply-accumulates per image.
        card: the model card beside the file; None of a drawing.
        digest: SHA-256 of the file.
        bytes: its size.
        weights_digest: SHA-256 of the run's final weights; None of a drawing.
        text: the drawing; None of a network.
    """

    kind: Literal["export"] = "export"
    path: str | None
    run: str
    format: str
    layers: Natural
    connections: Natural
    parameters: Natural
    macs: Natural
    card: str | None
    digest: str
    bytes: Natural
    weights_digest: str | None
    text: str | None
