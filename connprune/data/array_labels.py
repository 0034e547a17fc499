"""Labels in an array: whole numbers or names, which become the numbers of classes. Nothing here imports torch."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from connprune.data.tally import named
from connprune.errors import UsageError
from connprune.mistakes import Mistake
from connprune.printable import printable

# With more classes than this, and less than two images for each, labels are rather something else.
_MANY = 10
Labels = tuple[tuple[str, ...], dict[str, np.ndarray], list[str]]


def require_labels(key: str, shape: tuple[int, ...], dtype: np.dtype | None, count: int) -> None:
    """Refuses an array that cannot be labels, before it is read.

    Args:
        key: its name.
        shape: of the array.
        dtype: of its values.
        count: of the images.

    Raises:
        UsageError: it has no label for each image, or holds no whole numbers and no names.
    """
    if shape not in ((count,), (count, 1)):
        hint = None
        if len(shape) == 2 and shape[0] == count:
            hint = "of one column a class take the largest: labels.argmax(1)"
        found, expected = f"an array of the shape {shape}", f"({count},), a label for each image"
        raise UsageError(Mistake(key=key, found=found, expected=expected, hint=hint))
    if dtype is None or dtype.kind not in "uibfUS":
        raise UsageError(Mistake(key=key, found=f"values of {dtype}", expected="whole numbers, or names"))


def require_names(key: str, shape: tuple[int, ...], dtype: np.dtype | None) -> None:
    """Refuses an array that cannot be names of classes, before it is read.

    Raises:
        UsageError: it holds other values than texts, or they are not in one row.
    """
    if len(shape) != 1 or dtype is None or dtype.kind not in "US":
        found = f"an array of {dtype} and the shape {shape}"
        raise UsageError(Mistake(key=key, found=found, expected="a row of names"))


def names_in(key: str, array: np.ndarray) -> list[str]:
    """The names in a row of texts.

    Raises:
        UsageError: its letters are none.
    """
    try:
        return [_name(value) for value in array.tolist()]
    except (SystemError, ValueError):  # NumPy's letters are 32 bits each, and not all of those are letters.
        raise UsageError(Mistake(key=key, found="an array that holds no text", expected="names")) from None


def numbered(keys: Mapping[str, str], labels: Mapping[str, np.ndarray], classes: Sequence[str] | None) -> Labels:
    """The names of the classes, the number of each image's class by part, int64, and what a user may not expect.

    Args:
        keys: the name of each part's array.
        labels: each part's, `train` among them: (count,) or (count, 1).
        classes: their names by label; None calls them by their labels, in the order of these.

    Raises:
        UsageError: labels are not finite, no whole numbers, or of no class; or there are not two classes.
    """
    plain = {part: _plain(keys[part], array) for part, array in labels.items()}
    kinds = {array.dtype.kind for array in plain.values()}
    if len(kinds) > 1:
        raise UsageError(Mistake("some labels are names and others numbers", key=keys["train"]))
    if classes is None:
        return _by_value(keys, plain)
    twice = next((name for name in classes if classes.count(name) > 1), None)
    if twice is not None:
        raise UsageError(Mistake(key="classes", found=f"{printable(twice)!r} twice", expected="each name once"))
    if len(classes) < 2:
        raise UsageError(Mistake(key="classes", found=f"{len(classes)} classes", expected="at least 2"))
    if kinds == {"U"}:
        return tuple(classes), {part: _found(keys[part], array, classes) for part, array in plain.items()}, []
    for part, array in plain.items():
        least, most = int(array.min()), int(array.max())
        if least < 0 or most >= len(classes):
            odd = least if least < 0 else most
            expected = f"0 to {len(classes) - 1}, as there are {len(classes)} classes"
            raise UsageError(Mistake(key=keys[part], found=f"the label {odd}", expected=expected))
    return tuple(classes), {part: array.astype(np.int64) for part, array in plain.items()}, []


def _by_value(keys: Mapping[str, str], plain: Mapping[str, np.ndarray]) -> Labels:
    train = plain["train"]
    values = np.unique(train)
    if len(values) < 2:
        found = f"the label {printable(str(values[0]))} alone"
        raise UsageError(Mistake(key=keys["train"], found=found, expected="at least 2 classes"))
    if len(values) > _MANY and len(values) * 2 > len(train):
        found = f"{len(values):,} different labels of {len(train):,} images"
        raise UsageError(Mistake(key=keys["train"], found=found, expected="several images of each class"))
    names = [str(value) for value in values.tolist()]
    numbers = {part: _found(keys[part], array, values.tolist()) for part, array in plain.items()}
    return tuple(names), numbers, list(_notes(values))


def _notes(values: np.ndarray) -> Iterator[str]:
    if values.dtype.kind == "U" or np.array_equal(values, np.arange(len(values))):
        return
    low, high = int(values[0]), int(values[-1])
    gaps = []
    if high - low < 2 * len(values):
        gaps = [str(value) for value in sorted(set(range(low, high + 1)) - set(values.tolist()))]
    without = f"; no image has the label {named(gaps)}" if gaps else ""
    yield (
        f"the labels are {len(values)} values from {low} to {high}{without}: classes are called by their labels, and "
        "numbered from 0 on in their order."
    )


def _found(key: str, labels: np.ndarray, known: Sequence[str | int]) -> np.ndarray:
    """The number of each label among those that are known."""
    values, inverse = np.unique(labels, return_inverse=True)
    numbers = {value: number for number, value in enumerate(known)}
    for value in values.tolist():
        if value not in numbers:
            found = f"the label {printable(str(value))}"
            raise UsageError(Mistake(key=key, found=found, expected="the labels of the training images alone"))
    return np.array([numbers[value] for value in values.tolist()], np.int64)[inverse].reshape(-1)


def _plain(key: str, labels: np.ndarray) -> np.ndarray:
    """Labels as (count,) int64, or as texts."""
    labels = labels.reshape(-1)
    if labels.dtype.kind in "US":
        return np.array(names_in(key, labels))
    if labels.dtype.kind == "f":
        labels = labels.astype(np.float64)
        whole = np.isfinite(labels) & (labels == np.floor(labels)) & (np.abs(labels) < 2**53)
        if not whole.all():
            where = int(np.argmin(whole))
            raise UsageError(
                Mistake(
                    key=key, found=f"{labels[where]} at {where}", expected="whole numbers", hint="these are no classes"
                )
            )
    if labels.dtype.kind == "u" and labels.dtype.itemsize == 8 and len(labels) and labels.max() >= 2**63:
        raise UsageError(Mistake(key=key, found=f"the label {labels.max()}", expected="less than 2**63"))
    return labels.astype(np.int64)


def _name(value: str | bytes) -> str:
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    return unicodedata.normalize("NFC", text)
