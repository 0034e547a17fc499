"""Data sets in files of arrays: arranged once into a file of the cache, and mapped into memory from there."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

import numpy as np

from connprune.architecture.base import Shape
from connprune.data import array_files
from connprune.data.array_files import ArrayFile
from connprune.data.array_labels import Labels, names_in, numbered, require_names
from connprune.data.array_parts import CLASSES, IMAGES, Parts, parts_of
from connprune.data.array_tally import ArrayTally
from connprune.data.cache import cache_folder
from connprune.data.formats import DataFormat
from connprune.data.progress import Progress, images_of
from connprune.data.reading import content_of
from connprune.data.scratch import keep, under_way
from connprune.data.settings import DataSettings
from connprune.errors import DiskFullError, UsageError
from connprune.holes import require_stored
from connprune.mistakes import Mark, Mistake
from connprune.printable import printable
from connprune.tensor_stream import TensorStream

if TYPE_CHECKING:
    from connprune.data.images import Dataset

# Part of each name in the cache: goes up when what is cached changes.
_CACHE_VERSION = 1
_BYTES_AT_ONCE = 2**24


class ArrayFormat(DataFormat):
    """Arrays of images or sequences with arrays of their labels, in any kind of file."""

    takes = ("layout",)

    def arrays(self, path: Path) -> ArrayFile:
        """The arrays of such a file."""
        raise NotImplementedError(type(self).__name__)

    def shape(self, path: Path, settings: DataSettings) -> tuple[Shape, int]:
        """By the headers of the arrays, and by the labels."""
        with _named(path), TemporaryDirectory() as scratch:
            file = self.arrays(path)
            parts = parts_of(path, file.described(), settings.as_sequence, settings.layout)
            return parts.layout.shape, len(_labels(file, parts, Path(scratch))[0])

    def load(self, path: Path, settings: DataSettings, progress: Progress) -> "Dataset":
        """From the cache if these very arrays were arranged so before."""
        # Here, since it needs torch.
        from connprune.data.decoded import read_decoded

        cache = cache_folder(settings.cache)
        with _named(path):
            file = self.arrays(path)
            for each in file.files:
                require_stored(each)
            states = _states(file)
            content = content_of(file.files, progress, "files with the arranged ones")
            # The names of arrays too, which are no content where each is a file of a folder.
            kind = _CACHE_VERSION, type(self).__name__, settings.as_sequence, list(file.described())
            read_as = (*kind, settings.layout) if settings.layout else kind
            how = hashlib.sha256(repr(read_as).encode()).hexdigest()
            target = cache / f"arrays-{how[:16]}-{content[:32]}.safetensors"
            dataset = read_decoded(target, settings)
            if dataset is None:
                cache.mkdir(parents=True, exist_ok=True)
                with under_way(cache) as made:
                    _arrange(file, settings, progress, made)
                    if _states(file) != states:
                        raise UsageError(f"{path}: this file changed while it was read; try again.")
                    keep(made, target)
                dataset = read_decoded(target, settings)
        if dataset is None:
            raise UsageError(f"{cache}: the arranged arrays are damaged; is the disk well?")
        return dataset


class Npz(ArrayFormat):
    """An archive of arrays, as `numpy.savez` and `numpy.savez_compressed` write it."""

    name = "npz"
    what = "an .npz file"

    def suits(self, path: Path) -> bool:
        """By its suffix."""
        return path.suffix.lower() == ".npz" and path.is_file()

    def arrays(self, path: Path) -> ArrayFile:
        """Its members."""
        return array_files.Npz(path)


class Npy(ArrayFormat):
    """A folder of `.npy` files, `images.npy` among them; or that file, which stands for its folder."""

    name = "npy"
    what = "a folder of .npy files"

    def suits(self, path: Path) -> bool:
        """By its suffix, or by what it holds: beside other folders, as those of classes, an array of images."""
        if path.is_dir():
            names = {file.stem.casefold() for file in path.glob("*.npy") if file.is_file()}
            has_folders = any(each.is_dir() and not each.name.startswith(".") for each in path.iterdir())
            return bool(names.intersection(IMAGES) if has_folders else names)
        return path.suffix.lower() == ".npy" and path.is_file()

    def arrays(self, path: Path) -> ArrayFile:
        """The files of the folder."""
        return array_files.NpyFolder(path if path.is_dir() else path.parent)


class Safetensors(ArrayFormat):
    """A safetensors file."""

    name = "safetensors"
    what = "a .safetensors file"

    def suits(self, path: Path) -> bool:
        """By its suffix."""
        return path.suffix.lower() == ".safetensors" and path.is_file()

    def arrays(self, path: Path) -> ArrayFile:
        """Its tensors."""
        return array_files.Safetensors(path)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Says of which file a mistake is, where it names only an array."""
    try:
        yield
    except UsageError as error:
        if type(error) is not UsageError or any(str(path) in str(mistake) for mistake in error.mistakes):
            raise
        mark = Mark(printable(str(path)))
        raise UsageError(
            *(
                Mistake(each.problem, each.key, each.found, each.expected, each.hint, mark) if each.key else each
                for each in error.mistakes
            )
        ) from None


def _states(file: ArrayFile) -> list[tuple[int, int]]:
    states = [each.stat() for each in file.files]
    return [(state.st_size, state.st_mtime_ns) for state in states]


def _labels(file: ArrayFile, parts: Parts, scratch: Path) -> Labels:
    described = file.described()
    read = {
        part: np.asarray(file.rows(names.labels, scratch / f"{part}.labels")[: parts.counts[part]])
        for part, names in parts.arrays.items()
    }
    classes = file.texts(CLASSES)
    if CLASSES in described:
        require_names(CLASSES, *described[CLASSES])
        rows = file.rows(CLASSES, scratch / CLASSES)
        classes = names_in(CLASSES, np.asarray(rows[: described[CLASSES].shape[0]]))
    return numbered({part: names.labels for part, names in parts.arrays.items()}, read, classes)


def _arrange(file: ArrayFile, settings: DataSettings, progress: Progress, made: IO[bytes]) -> None:
    """Writes the arrays as `PART.images` and `PART.labels`, as the network takes them, a few rows at a time.

    Raises:
        UsageError: they are not what they must be.
        DiskFullError: there is no room for them.
    """
    parts = parts_of(file.path, file.described(), settings.as_sequence, settings.layout)
    scratch = Path(made.name).parent
    _require_room(parts, scratch)
    classes, labels, notes = _labels(file, parts, scratch)
    stream, tally = TensorStream(made), ArrayTally(parts.kind)
    for part, names in parts.arrays.items():
        unpacked = scratch / f"{part}.array"
        array, count = file.rows(names.images, unpacked), parts.counts[part]
        stream.begin(f"{part}.images", tuple(parts.layout.shape), parts.kind)
        size = max(1, _BYTES_AT_ONCE // (parts.layout.shape.numel * np.dtype(parts.kind).itemsize))
        starts = range(0, count, size)
        for start in progress(starts, f"reading {images_of(part, count, parts.arrays)}", len(starts)):
            rows = parts.layout.arranged(array[start : min(start + size, count)])
            stream.add(tally.counted(part, names.images, start, rows))
        unpacked.unlink(missing_ok=True)
    told = {"classes": classes, "notes": [*parts.notes, *notes, *tally.notes()], "std": tally.std}
    stream.put_text("notes", json.dumps(told))
    for part, numbers in labels.items():
        stream.put(f"{part}.labels", numbers)
    stream.finish()


def _require_room(parts: Parts, folder: Path) -> None:
    row = parts.layout.shape.numel * np.dtype(parts.kind).itemsize
    needed, free = sum(parts.counts.values()) * row, shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFullError(
            f"{folder.parent}: the arranged arrays need {needed:,} bytes, and {free:,} are free; name another cache "
            "with data.cache or CONNPRUNE_CACHE."
        )
