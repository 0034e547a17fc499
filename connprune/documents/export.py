"""An exported network or drawing."""

from typing import Literal

from connprune.documents.base import Document, Natural


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
