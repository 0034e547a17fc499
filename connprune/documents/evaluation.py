"""What a network gets on images, and what it takes single images for."""

from typing import Annotated, Literal

from pydantic import Field

from connprune.documents.base import Document, Fraction, Natural, Part, Shown

Evaluated = Literal["test", "validation", "train", "all"]


class ClassEvaluation(Part):
    """Of a class.

    Attributes:
        name: of the class.
        images: that it has.
        right: of these how many the network takes for it.
        accuracy: right / images, 0 to 1; None without images.
        precision: right over all images that the network takes for it, 0 to 1; None if there are none.
    """

    name: str
    images: Natural
    right: Natural
    accuracy: Fraction | None
    precision: Fraction | None


class Evaluation(Shown):
    """What `evaluate` prints.

    Attributes:
        kind: what it is.
        run: the directory of the run.
        data: the name of the data set or of the folder of images.
        part: which of its images; `all` of a folder that the run was not made with and that has no test images.
        same_images: whether they are those that the run was made with.
        images: how many.
        loss: the mean cross-entropy.
        accuracy: the share of right answers, 0 to 1.
        accuracy_low: the lower end of its 95% interval (Wilson 1927).
        accuracy_high: the upper end.
        top5_accuracy: the share of images whose class is among the five most probable ones; None of up to five classes.
        calibration_error: how far confidence and accuracy are apart on the average, 0 to 1, over 15 bins of equal width
            (Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3).
        classes: each of them, by number.
        confusion: for each class, by number, how many of its images the network takes for each class.
    """

    kind: Literal["evaluation"] = "evaluation"
    run: str
    data: str
    part: Evaluated
    same_images: bool
    images: Natural
    loss: float
    accuracy: Fraction
    accuracy_low: Fraction
    accuracy_high: Fraction
    top5_accuracy: Fraction | None
    calibration_error: Fraction
    classes: tuple[ClassEvaluation, ...]
    confusion: tuple[tuple[Natural, ...], ...]


class Candidate(Part):
    """A class that an image may be of.

    Attributes:
        name: of the class.
        probability: that the network gives it, 0 to 1.
    """

    name: str
    probability: Fraction


class Prediction(Part):
    """What the network takes an image for.

    Attributes:
        file: its path, as it was given; of an image in an array with its number in brackets, from 0.
        classes: the most probable ones, the first first; none of a file that cannot be read.
        resized: whether it had another size than the images of the training.
        problem: why the file cannot be read; None if it can.
    """

    file: str
    classes: tuple[Candidate, ...]
    resized: bool
    problem: str | None = None


class Predictions(Document):
    """What `predict` prints.

    Attributes:
        kind: what it is.
        run: the directory of the run.
        predictions: of each file, in the order in which they were named.
    """

    kind: Literal["predictions"] = "predictions"
    run: str
    predictions: Annotated[tuple[Prediction, ...], Field(min_length=1)]
