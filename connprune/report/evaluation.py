"""An evaluation and predictions as text."""

from connprune.documents.evaluation import Evaluated, Evaluation, Predictions
from connprune.report.aligned import aligned

# The matrix of more classes than this is left to the document and the figure.
_MOST_SHOWN = 12
_CONFUSIONS = 5
_PARTS: dict[Evaluated, str] = {
    "test": "test images",
    "validation": "validation images",
    "train": "training images",
    "all": "images",
}


def evaluation_text(document: Evaluation) -> str:
    """The accuracy with its interval, each class, and what is taken for what."""
    names = [row.name for row in document.classes]
    header = ["class", "images", "right", "accuracy", "precision"]
    rows = [
        [row.name, f"{row.images:,}", f"{row.right:,}", _percent(row.accuracy), _percent(row.precision)]
        for row in document.classes
    ]
    parts = [_summary(document), aligned(header, rows)]
    if len(names) <= _MOST_SHOWN:
        cells = [[name, *map(str, row)] for name, row in zip(names, document.confusion, strict=True)]
        parts.append(aligned(["class \\ taken for", *names], cells))
    confused = most_confused(document)
    if confused:
        parts.append(f"most often confused: {', '.join(f'{one} for {other} ({n})' for one, other, n in confused)}")
    return "\n\n".join(parts)


def most_confused(document: Evaluation) -> list[tuple[str, str, int]]:
    """The classes that are taken for others most often: class, taken for, images; the most frequent first."""
    names = [row.name for row in document.classes]
    pairs = [
        (names[row], names[column], count)
        for row, counts in enumerate(document.confusion)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    return sorted(pairs, key=lambda pair: -pair[2])[:_CONFUSIONS]


def predictions_text(document: Predictions) -> str:
    """For each file the classes that it may be of, with their probabilities."""
    most = max(len(one.classes) for one in document.predictions)
    header = ["file", *(word for number in range(1, most + 1) for word in (f"class {number}", "probability"))]
    rows = [
        [one.file, *(word for found in one.classes for word in (found.name, f"{found.probability:.1%}"))]
        for one in document.predictions
        if one.classes
    ]
    return aligned(header, rows)


def _summary(document: Evaluation) -> str:
    low, high = document.accuracy_low, document.accuracy_high
    others = "" if document.same_images else " (not those that it was made with)"
    top5 = "" if document.top5_accuracy is None else f", top 5 {document.top5_accuracy:.2%}"
    return (
        f"{document.run}: {document.images:,} {_PARTS[document.part]} of {document.data}{others}\n"
        f"accuracy {document.accuracy:.2%} ({low:.2%} to {high:.2%}){top5}, loss {document.loss:.4f}, "
        f"calibration error {document.calibration_error:.2%}"
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
