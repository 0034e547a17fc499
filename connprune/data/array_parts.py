"""Which arrays of a file are the images and the labels of which part, and whether they fit together. No torch here."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from connprune.architecture.base import Shape
from connprune.data.array_files import ArrayFile, Described
from connprune.data.array_labels import require_labels
from connprune.data.layouts import Layout, Order, layout_of, other_order
from connprune.data.tally import named
from connprune.errors import UsageError
from connprune.mistakes import Mark, Mistake
from connprune.printable import printable

CLASSES = "classes"
# The names of a part's images and labels: ours first, then those of Keras's and MedMNIST's files. Case does not matter.
_PARTS = {
    "train": (("images", "train_images", "x_train", "x"), ("labels", "train_labels", "y_train", "y")),
    "test": (("test_images", "x_test"), ("test_labels", "y_test")),
    "validation": (("validation_images", "val_images", "x_val"), ("validation_labels", "val_labels", "y_val")),
}
IMAGES = _PARTS["train"][0]
# What values become, by their own type.
_KINDS = {"uint8": "uint8", **dict.fromkeys(("uint16", "float16", "float32", "float64"), "float32")}


class Part(NamedTuple):
    """The names of the arrays that a part is in."""

    images: str
    labels: str


class Parts(NamedTuple):
    """What a file of arrays holds.

    Attributes:
        arrays: of each part; `train` is always there.
        counts: the images of each part.
        layout: of the arrays of images.
        kind: what their values become: uint8 or float32.
        notes: sentences on what a user may not expect.
    """

    arrays: dict[str, Part]
    counts: dict[str, int]
    layout: Layout
    kind: str
    notes: tuple[str, ...]


def parts_of(path: Path, described: Mapping[str, Described], as_sequence: bool, order: Order | None = None) -> Parts:
    """Finds the arrays of each part by their names.

    Args:
        path: of the file, for messages.
        described: the arrays that are there.
        as_sequence: `data.as_sequence`.
        order: `data.layout`.

    Raises:
        UsageError: an array is missing, is there under two names, or is not what it must be.
    """
    arrays: dict[str, Part] = {}
    for part, (images, labels) in _PARTS.items():
        found = [_only(path, described, names) for names in (images, labels)]
        if found == [None, None] and part != "train":
            continue
        if None in found:
            missing, there = (images, found[1]) if found[0] is None else (labels, found[0])
            listed = f"the arrays {named(sorted(map(printable, described)))}" if described else "no arrays"
            beside = f", beside {there}" if there else ""
            raise UsageError(
                Mistake(key=missing[0], found=listed, expected=f"one called {missing[0]}{beside}", mark=Mark(str(path)))
            )
        arrays[part] = Part(*map(str, found))
    first = arrays["train"].images
    layout = layout_of(first, described[first].shape, as_sequence, order)
    for names in arrays.values():
        _require_alike(first, names, described)
    stored = described[first].dtype
    return Parts(
        arrays,
        {part: described[its.images].shape[0] for part, its in arrays.items()},
        layout,
        _KINDS[str(stored and stored.newbyteorder("="))],
        tuple(_notes(arrays, described, layout, order)),
    )


def images_in(
    file: ArrayFile, shape: Shape, as_sequence: bool, values: str, order: Order | None = None
) -> tuple[str, Layout, int]:
    """The array of images in a file that need have no labels: the only array, or the one with a name of images.

    Args:
        file: the file.
        shape: that an image must have.
        as_sequence: `data.as_sequence`.
        values: the type that its values must become.
        order: `data.layout`.

    Returns:
        Its name, how it is read, and how many images it has.

    Raises:
        UsageError: there is none, there are several, or it has images of another shape or type.
    """
    described = file.described()
    images = {name for group, _ in _PARTS.values() for name in group}
    there = list(described) if len(described) == 1 else [name for name in described if name.casefold() in images]
    if len(there) != 1:
        found = f"the arrays {named(sorted(map(printable, described)))}"
        raise UsageError(Mistake(key="images", found=found, expected="one array, or one of images among others"))
    stored, dtype = described[there[0]]
    layout = layout_of(there[0], stored, as_sequence, order)
    kind = _KINDS.get(str(dtype and dtype.newbyteorder("=")))
    if (layout.shape, kind) != (shape, values):
        found = f"{dtype and dtype.name} of {stored}, images of {layout.shape}"
        expected = f"images of {shape} in {values}, as in training"
        raise UsageError(Mistake(key=there[0], found=found, expected=expected))
    return there[0], layout, stored[0]


def _only(path: Path, described: Mapping[str, Described], names: tuple[str, ...]) -> str | None:
    there = [name for name in described if name.casefold() in names]
    if len(there) > 1:
        found = " and ".join(map(printable, there))
        raise UsageError(Mistake(key=names[0], found=found, expected="one of them", mark=Mark(str(path))))
    return there[0] if there else None


def _require_alike(first: str, part: Part, described: Mapping[str, Described]) -> None:
    """Refuses images of another type or shape than the training's, and labels that are not theirs."""
    images, labels, wanted = described[part.images], described[part.labels], described[first]
    dtype = images.dtype and images.dtype.newbyteorder("=")
    if str(dtype) not in _KINDS:
        hint = None
        if dtype is not None and dtype.kind in "iub":
            hint = (
                "pixel values from 0 to 255 become such by images.astype('uint8'), others by images.astype('float32')"
            )
        expected = " or ".join((", ".join(list(_KINDS)[:-1]), list(_KINDS)[-1]))
        found = f"values of {dtype}" if dtype is not None else "values of a type that NumPy lacks"
        raise UsageError(Mistake(key=part.images, found=found, expected=expected, hint=hint))
    rows = f"(count, {', '.join(map(str, wanted.shape[1:]))})"
    if (images.shape[1:], dtype) != (wanted.shape[1:], wanted.dtype and wanted.dtype.newbyteorder("=")):
        raise UsageError(
            Mistake(
                key=part.images,
                found=f"{dtype} of {images.shape}",
                expected=f"{wanted.dtype and wanted.dtype.name} of {rows}, as in {first}",
            )
        )
    if not images.shape[0]:
        raise UsageError(Mistake(key=part.images, found="no image", expected="at least one"))
    require_labels(part.labels, labels.shape, labels.dtype, images.shape[0])


def _notes(
    arrays: Mapping[str, Part], described: Mapping[str, Described], layout: Layout, order: Order | None
) -> list[str]:
    first = arrays["train"].images
    shape, dtype = described[first].shape, described[first].dtype
    hint = "; data.as_sequence=true takes it as (count, steps, features)" if layout.axes == "none" else ""
    if order is None and (other := other_order(layout)):
        hint = f", a guess; data.layout={other} takes the other end for the channels"
    notes = [f"{first}, {dtype and dtype.name} of {shape}, is taken as {layout}{hint}."]
    used = {name for part in arrays.values() for name in part}
    if used - {name for names in _PARTS.values() for group in names for name in group[:1]}:
        notes.append(
            "arrays taken: " + "; ".join(f"{part}, {its.images} and {its.labels}" for part, its in arrays.items()) + "."
        )
    left = sorted(set(described) - used - {CLASSES})
    if left:
        notes.append(f"left out: the array{'s' * (len(left) > 1)} {named(list(map(printable, left)))}.")
    return notes
