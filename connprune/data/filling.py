"""Decodes a folder's images one after the other into a file, so that memory never holds more than a few of them."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from connprune.data.decoding import Picture, RangeWantedError, bombs_refused
from connprune.data.listing import Listing
from connprune.data.memory import memory
from connprune.data.progress import Progress, images_of
from connprune.data.reading import found_range, joined, pictures
from connprune.data.settings import DataSettings
from connprune.data.tally import Tally, named
from connprune.errors import DiskFullError, UsageError
from connprune.files import absolute
from connprune.printable import printable
from connprune.tensor_stream import TensorStream


@dataclass
class Filled:
    """What was found while a folder was decoded.

    Attributes:
        content: SHA-256 of the bytes of all files.
        damaged: the files that were left out, each with the reason.
        notes: sentences on what a user may not expect.
        range: the values that became 0 and 255 in files of more than 8 bits; None if there are none.
    """

    content: str
    damaged: list[str]
    notes: list[str]
    range: tuple[int, int] | None


def fill(folder: Path, listing: Listing, settings: DataSettings, progress: Progress, file: IO[bytes]) -> Filled:
    """Decodes all images into a file of tensors, `PART.images` and `PART.labels` for each part.

    Args:
        folder: which they are in.
        listing: of them.
        settings: how to decode them.
        progress: is handed the loop over the files of each part.
        file: open for reading and writing, and empty.

    Raises:
        UsageError: images are damaged and `skip_damaged` is not set, or all of a class are; they differ in size; or
            they would not fit into the memory.
        DiskFullError: they would not fit on the disk.
    """
    with bombs_refused():
        try:
            return _Filling(folder, listing, settings, progress, file).done()
        except RangeWantedError:
            span = found_range([path for files in listing.parts["train"].values() for path in files], progress)
        file.seek(0)
        file.truncate()
        return _Filling(folder, listing, settings.model_copy(update={"range": span}), progress, file).done()


@dataclass
class _Filling:
    folder: Path
    listing: Listing
    settings: DataSettings
    progress: Progress
    file: IO[bytes]
    damaged: list[str] = field(default_factory=list)
    first: tuple[Path, tuple[int, ...]] | None = None

    def __post_init__(self) -> None:
        self.tally = Tally(self.settings.range)

    def done(self) -> Filled:
        stream = TensorStream(self.file)
        digests: list[str] = []
        labels = {part: list(self._decoded(part, stream, digests)) for part in self.listing.parts}
        if self.damaged and not self.settings.skip_damaged:
            raise UsageError(_damaged(absolute(self.settings.source), self.damaged))
        self._require_classes(labels)
        wide = self.settings.range if self.tally.deep else None
        filled = Filled(joined(digests), self.damaged, list(self.tally.notes()), wide)
        told = {"classes": self.listing.classes, "damaged": filled.damaged, "notes": filled.notes, "range": wide}
        stream.put_text("notes", json.dumps(told))
        for part, numbers in labels.items():
            stream.put(f"{part}.labels", np.array(numbers, np.int64))
        stream.finish()
        return filled

    def _decoded(self, part: str, stream: TensorStream, digests: list[str]) -> Iterator[int]:
        """Adds the images of a part to the stream; gives the number of each one's class."""
        classes = self.listing.parts[part]
        paths = [(path, number) for number, files in enumerate(classes.values()) for path in files]
        results = pictures([path for path, _ in paths], self.settings)
        with closing(results):
            shown = self.progress(results, f"decoding {images_of(part, len(paths), self.listing.parts)}", len(paths))
            for (path, number), (digest, picture) in zip(paths, shown, strict=True):
                digests.append(digest)
                if isinstance(picture, str):
                    self.damaged.append(f"{self._name(path)} ({picture})")
                    continue
                self._count(part, path, picture)
                if f"{part}.images" not in stream:
                    stream.begin(f"{part}.images", picture.pixels.shape)
                stream.add(picture.pixels[None])
                yield number

    def _count(self, part: str, path: Path, picture: Picture) -> None:
        shape = picture.pixels.shape
        if self.first is None:
            self.first = path, shape
            self._require_room(picture.pixels)
        if shape != self.first[1]:
            raise UsageError(self._sizes_differ(self.first, (path, shape)))
        self.tally.add(part, self._name(path), picture)

    def _require_room(self, one: np.ndarray) -> None:
        """Refuses images for which there is no memory, or no room on the disk, before all are decoded."""
        count = sum(len(files) for classes in self.listing.parts.values() for files in classes.values())
        # What is decoded stays in a file; but sequences are made of it in the memory.
        needed = count * one.nbytes
        there = memory()
        if self.settings.as_sequence and there is not None and needed > there:
            raise UsageError(
                f"data.source: {count:,} images of {one.shape[1]}×{one.shape[2]} (height × width) as sequences take "
                f"{needed / 1e9:,.1f} GB of memory, but this process may take {there / 1e9:,.1f} GB; make them smaller "
                "with data.size=[224, 224], for instance."
            )
        folder = Path(self.file.name).parent.parent
        free = shutil.disk_usage(folder).free
        if count * one.nbytes > free:
            raise DiskFullError(
                f"{folder}: the decoded images need {count * one.nbytes:,} bytes, and {free:,} are free; name another "
                "cache with data.cache or CONNPRUNE_CACHE, or make the images smaller with data.size."
            )

    def _sizes_differ(self, one: tuple[Path, tuple[int, ...]], other: tuple[Path, tuple[int, ...]]) -> str:
        (path, (_, height, width)), (other_path, (_, other_height, other_width)) = one, other
        return (
            f"data.source: {self._name(path)} is {height}×{width} (height × width), but "
            f"{self._name(other_path)} is {other_height}×{other_width}; "
            f"give all one size with data.size=[{height}, {width}]."
        )

    def _require_classes(self, labels: dict[str, list[int]]) -> None:
        for part, numbers in labels.items():
            left = set(numbers)
            for number, (name, files) in enumerate(self.listing.parts[part].items()):
                if files and number not in left:
                    where = Path(absolute(self.settings.source)) / files[0].parent.relative_to(self.folder)
                    raise UsageError(
                        f"data.source: none of the {len(files)} images of the class {printable(name)!r} in "
                        f"{printable(str(where))} can be read: {self._first_of(files)}"
                    )

    def _first_of(self, files: Sequence[Path]) -> str:
        names = {self._name(path) for path in files}
        return next((f"{text}." for text in self.damaged if text.partition(" (")[0] in names), "")

    def _name(self, path: Path) -> str:
        return printable(str(path.relative_to(self.folder)))


def _damaged(source: str, damaged: Sequence[str]) -> str:
    return (
        f"data.source: {len(damaged)} images in {printable(source)} cannot be read: "
        f"{named(damaged, '; ')}. "
        "Mend them, or leave them out with data.skip_damaged=true."
    )
