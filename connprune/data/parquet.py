"""Data sets in parquet files, as the Hugging Face hub has them: an image file and a label in each row."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from connprune.architecture.base import Shape
from connprune.data.array_labels import numbered
from connprune.data.cache import cache_folder
from connprune.data.decoding import bombs_refused, suffixes
from connprune.data.filling import fill
from connprune.data.formats import DataFormat
from connprune.data.listing import PARTS, Listing
from connprune.data.progress import Progress, images_of
from connprune.data.reading import content_of, pictures
from connprune.data.scratch import keep, under_way
from connprune.data.settings import DataSettings
from connprune.data.tally import named
from connprune.errors import DamagedFileError, UsageError
from connprune.holes import require_stored
from connprune.mistakes import Mark, Mistake
from connprune.printable import printable

if TYPE_CHECKING:
    from connprune.data.images import Dataset

# Part of each name in the cache: goes up when what is cached changes.
_CACHE_VERSION = 1
_ROWS_AT_ONCE = 256
_SUFFIX = ".parquet"
_IMAGES, _LABELS = ("image", "img"), ("label", "labels", "fine_label")
# Sizes do not depend on it.
_ANY_RANGE = (0, 65535)


class Parquet(DataFormat):
    """A parquet file, or a folder of them, whose names or folders say which part each one is of."""

    name = "parquet"
    what = "a .parquet file or a folder of them"
    takes = ("size", "channels", "background", "range", "skip_damaged")

    def suits(self, path: Path) -> bool:
        """By its suffix, or by what it holds at any depth, but for what lies beside image files."""
        if path.is_dir():
            return any(not _holds_images(file.parent) for file in _files(path))
        return path.suffix.lower() == _SUFFIX and path.is_file()

    def shape(self, path: Path, settings: DataSettings) -> tuple[Shape, int]:
        """By the labels, and by the first image that can be read."""
        parts = _parts(path)
        classes, _ = _labels(path, parts)
        unwanted = settings.model_copy(update={"range": _ANY_RANGE})
        with _scratch() as scratch, bombs_refused():
            for _, content in _images(parts["train"]):
                file = scratch / "image"
                file.write_bytes(content)
                (read,) = pictures([file], unwanted)
                if not isinstance(read.picture, str):
                    shape = Shape(*read.picture.pixels.shape)
                    as_steps = Shape(shape.feature_maps * shape.width, 1, shape.height)
                    return (as_steps if settings.as_sequence else shape), len(classes)
        raise UsageError(f"data.source: none of the training images in {printable(str(path))} can be read.")

    def load(self, path: Path, settings: DataSettings, progress: Progress) -> "Dataset":
        """From the cache if these very files were decoded so before."""
        # Here, since it needs torch.
        from connprune.data.decoded import read_decoded

        parts = _parts(path)
        files = [file for several in parts.values() for file in several]
        content = content_of(files, progress, "files with the decoded ones")
        how = settings.size, settings.channels, settings.background, settings.range, settings.skip_damaged
        names = [(part, len(several)) for part, several in parts.items()]
        key = hashlib.sha256(repr((_CACHE_VERSION, how, names)).encode()).hexdigest()[:16]
        cache = cache_folder(settings.cache)
        target = cache / f"parquet-{key}-{content[:32]}.safetensors"
        dataset = read_decoded(target, settings)
        if dataset is None:
            cache.mkdir(parents=True, exist_ok=True)
            with under_way(cache) as made:
                folder = Path(made.name).parent
                fill(folder, _unpacked(path, parts, folder, progress), settings, progress, made)
                keep(made, target)
            dataset = read_decoded(target, settings)
        if dataset is None:
            raise UsageError(f"{cache}: the decoded images are damaged; is the disk well?")
        return dataset.as_sequences() if settings.as_sequence else dataset


def _unpacked(path: Path, parts: dict[str, list[Path]], folder: Path, progress: Progress) -> Listing:
    """Writes each row's image file into a folder of its part, by the number of the row."""
    classes, numbers = _labels(path, parts)
    listed: dict[str, dict[str, list[Path]]] = {}
    for part, files in parts.items():
        (folder / part).mkdir()
        by_class: dict[str, list[Path]] = {name: [] for name in classes}
        rows = progress(_images(files), f"unpacking {images_of(part, len(numbers[part]), parts)}", len(numbers[part]))
        for (row, content), number in zip(rows, numbers[part].tolist(), strict=True):
            file = folder / part / f"row {row}"
            file.write_bytes(content)
            by_class[classes[number]].append(file)
        listed[part] = by_class
    return Listing(listed, flat=False, notes=())


def _files(folder: Path) -> Iterator[Path]:
    """Those that are not hidden."""
    for file in folder.rglob(f"*{_SUFFIX}"):
        if file.is_file() and not any(word.startswith(".") for word in file.relative_to(folder).parts):
            yield file


def _holds_images(folder: Path) -> bool:
    return any(file.suffix.lower() in suffixes() for file in folder.iterdir())


def _parts(path: Path) -> dict[str, list[Path]]:
    """The files of each part.

    Raises:
        UsageError: there are several data sets, or no training images.
    """
    if path.is_file():
        return {"train": [path]}
    parts: dict[str, list[Path]] = {}
    sets = set()
    for file in sorted(_files(path)):
        words = [*file.relative_to(path).parts[:-1], file.stem.split("-")[0]]
        part = next((part for word in words for part, names in PARTS.items() if word in names), "train")
        parts.setdefault(part, []).append(file)
        known = {name for names in PARTS.values() for name in names}
        sets.add("/".join(word for word in words[:-1] if word not in known))
    if len(sets) > 1:
        found = f"files in {named(sorted(printable(name) or 'the folder itself' for name in sets))}"
        raise UsageError(
            Mistake(key="data.source", found=found, expected="one data set", hint="name one of these folders")
        )
    if "train" not in parts:
        found = f"files of {', '.join(parts)} alone"
        raise UsageError(Mistake(key="data.source", found=found, expected="training images, in train-*.parquet"))
    return {part: parts[part] for part in PARTS if part in parts}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A parquet file.

    Raises:
        UsageError: pyarrow is not installed, or the file is damaged.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise UsageError(
            f"{path}: parquet files need the package pyarrow; install it with `pip install 'connprune[parquet]'`."
        ) from None
    require_stored(path)
    try:
        with ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedFileError(path, str(error).splitlines()[0]) from None


def _column(path: Path, schema: Any, names: tuple[str, ...]) -> str:
    there = [name for name in names if name in schema.names]
    if not there:
        found = f"the columns {named([printable(name) for name in schema.names])}"
        raise UsageError(Mistake(key=names[0], found=found, expected=f"one called {names[0]}", mark=Mark(str(path))))
    return there[0]


def _labels(path: Path, parts: dict[str, list[Path]]) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """The names of the classes, and the number of each row's, by part."""
    labels: dict[str, np.ndarray] = {}
    classes: list[str] | None = None
    for part, files in parts.items():
        read = []
        for file in files:
            with _opened(file) as opened:
                column = _column(file, opened.schema_arrow, _LABELS)
                values = opened.read([column]).column(column)
                if values.null_count:
                    raise UsageError(f"{file}: {values.null_count:,} rows have no {column}; leave them out.")
                _require_labels(file, column, values.type)
                read.append(values.to_numpy())
                names = _names(opened.schema_arrow, column)
                _require_same(file, column, names, classes)
                classes = classes or names
        labels[part] = np.concatenate(read)
        if labels[part].dtype.kind == "O":
            labels[part] = labels[part].astype(str)
        if not len(labels[part]):
            raise UsageError(f"{files[0]}: there is no image of {part}.")
    try:
        found, numbers, _ = numbered(dict.fromkeys(parts, "label"), labels, classes)
    except UsageError as error:
        (mistake,) = error.mistakes
        words = mistake.problem, mistake.key, mistake.found, mistake.expected, mistake.hint
        raise UsageError(Mistake(*words, Mark(printable(str(path))))) from None
    return found, numbers


def _require_labels(path: Path, column: str, kind: Any) -> None:
    """Raises UsageError: what a column holds are neither numbers nor names."""
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    suitable = (
        *(types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string),
        *(types.is_string_view, types.is_binary, types.is_large_binary, types.is_fixed_size_binary),
    )
    if not any(suits(value) for suits in suitable):
        expected = "whole numbers, or names"
        raise UsageError(
            Mistake(key=column, found=f"values of {kind}", expected=expected, mark=Mark(printable(str(path))))
        )


def _require_same(path: Path, column: str, names: list[str] | None, before: list[str] | None) -> None:
    """Raises UsageError: a label means another class here than in the files before."""
    if names is None or before is None or names == before:
        return
    number = next((at for at, (one, other) in enumerate(zip(names, before, strict=False)) if one != other), None)
    found, expected = f"{len(names)} classes", f"{len(before)}"
    if number is not None:
        found, expected = (f"{printable(each[number])!r} as the class {number}" for each in (names, before))
    raise UsageError(
        Mistake(
            key=column, found=found, expected=f"{expected}, as in the files before", mark=Mark(printable(str(path)))
        )
    )


def _names(schema: Any, column: str) -> list[str] | None:
    """The names of the classes as the hub's libraries write them; None if they are not there."""
    try:
        info = json.loads((schema.metadata or {})[b"huggingface"])
        names = info["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None


def _images(files: list[Path]) -> Iterator[tuple[int, bytes]]:
    """The image file in each row, with the number of the row among all files, from 0."""
    row = 0
    for path in files:
        with _opened(path) as file:
            column = _column(path, file.schema_arrow, _IMAGES)
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[column]):
                for value in batch.column(0).to_pylist():
                    content = value.get("bytes") if isinstance(value, dict) else value
                    if not isinstance(content, bytes):
                        found = f"no bytes in row {row}"
                        expected = "an image file, as `bytes` of a struct or as such"
                        raise UsageError(Mistake(key=column, found=found, expected=expected, mark=Mark(str(path))))
                    yield row, content
                    row += 1


@contextmanager
def _scratch() -> Iterator[Path]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        yield Path(folder)
