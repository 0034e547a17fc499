"""How fast training and forward passes are on a machine."""

from typing import Literal

from connprune.documents.base import Document, Fraction, Natural, Part


class StepTime(Part):
    """Of a candidate's training step.

    Attributes:
        seconds: the median.
        images_per_second: batch size / seconds.
        share_of_matrix_product_rate: of the step's arithmetic; above 1 where the machine was slowed down in between.
        ratio: its seconds / those of connprune.
    """

    seconds: float
    images_per_second: float
    share_of_matrix_product_rate: float
    ratio: float


class ForwardTime(Part):
    """Of forward passes, each with the median of its seconds.

    Attributes:
        batch_size: of the images.
        parent_seconds: the whole network.
        masked_seconds: with the gates of what was cut at zero.
        cut_seconds: the smaller network.
        mac_ratio: parent / cut.
        time_ratio: parent / cut.
    """

    batch_size: Natural
    parent_seconds: float
    masked_seconds: float
    cut_seconds: float
    mac_ratio: float
    time_ratio: float


class FileCosts(Part):
    """Of a checkpoint.

    Attributes:
        checkpoint_bytes: its size.
        copy_seconds: that the training waits while it is copied.
        write_seconds: in which it is written beside the training.
        interval_seconds: from one to the next.
        share: of the interval that both take at most.
    """

    checkpoint_bytes: Natural
    copy_seconds: float
    write_seconds: float
    interval_seconds: float
    share: Fraction


class Bench(Document):
    """What `bench` prints.

    Attributes:
        kind: what it is.
        torch: its version.
        device: its name.
        threads: of the CPU.
        batch_size: of a step.
        rounds: of which the medians are.
        matrix_product_flops: floating-point operations a second of a large matrix product.
        matrix_product_precision: of that product.
        copy_bytes_per_second: of a large copy.
        step_operations: floating-point operations of a training step.
        steps: by candidate.
        data_seconds: by candidate, a batch alone.
        forward: by batch size and cut.
        files: None where the disk has no room for a checkpoint.
        peak_bytes: by candidate, the most memory that a step's tensors take at once.
    """

    kind: Literal["bench"] = "bench"
    torch: str
    device: str
    threads: Natural
    batch_size: Natural
    rounds: Natural
    matrix_product_flops: float
    matrix_product_precision: str
    copy_bytes_per_second: float
    step_operations: Natural
    steps: dict[str, StepTime]
    data_seconds: dict[str, float]
    forward: tuple[ForwardTime, ...]
    files: FileCosts | None
    peak_bytes: dict[str, Natural]
