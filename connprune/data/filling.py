"""Decodes a folder's images one after the other into a file, so that memory never holds more than a few of them."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from connprune.data.decoding import Picture, RangeWantedError, bombs_refused, decode, extremes, opened
from connprune.data.flight import in_flight
from connprune.data.listing import Listing
from connprune.data.memory import give_back_freed, memory
from connprune.data.settings import DataSettings
from connprune.data.track import Track
from connprune.errors import ConnpruneError, DiskFullError, UsageError
from connprune.printable import printable
from connprune.tensor_stream import TensorStream

# What images may take while they are being decoded, all threads together, unless one alone takes more.
_BYTES_IN_FLIGHT = 2**29
_SHARE_IN_FLIGHT = 1 / 8
# Pillow keeps four bytes a pixel, and turning, laying on a background and handing over each make a copy.
_BYTES_A_PIXEL = 12
# Files up to this size are read at once; of larger ones the header comes first.
_SMALL_FILE = 2**20
# After images of this size freed memory is given back.
_LARGE = 2**26
_NAMED_AT_MOST = 5
_SIXTEEN_BITS = (0, 65535)
# A range is little used if its middle 99.8% of pixels lie within a quarter of it.
_TAIL, _LITTLE = 0.001, 64


class _Begun(NamedTuple):
    """A file whose header was read: its content if it is small, why it cannot be read, whether its image is large."""

    path: Path
    content: bytes | None = None
    reason: str | None = None
    large: bool = False


class _Read(NamedTuple):
    """The SHA-256 of a file's bytes, and its image, or why it cannot be read."""

    digest: str
    picture: Picture | str


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


def content_of(paths: Sequence[Path], track: Track) -> str:
    """SHA-256 of the bytes of files, without decoding them."""
    digests = in_flight(paths, lambda path: (path, 0), _file_digest, _most_in_flight())
    label = f"comparing {len(paths)} images with the decoded ones"
    with closing(digests):
        return _joined(track(digests, label, len(paths)))


def fill(folder: Path, listing: Listing, settings: DataSettings, track: Track, file: IO[bytes]) -> Filled:
    """Decodes all images into a file of tensors, `PART.images` and `PART.labels` for each part.

    Args:
        folder: which they are in.
        listing: of them.
        settings: how to decode them.
        track: is handed the loop over the files of each part.
        file: open for reading and writing, and empty.

    Raises:
        UsageError: images are damaged and `skip_damaged` is not set, or all of a class are; they differ in size; or
            they would not fit into the memory.
        DiskFullError: they would not fit on the disk.
    """
    with bombs_refused():
        try:
            return _Filling(folder, listing, settings, track, file).done()
        except RangeWantedError:
            found = _found_range(listing, track)
        file.seek(0)
        file.truncate()
        return _Filling(folder, listing, settings.model_copy(update={"range": found}), track, file).done()


def why(error: Exception) -> str:
    """Why a file cannot be read, on one line."""
    reason = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return printable(reason.splitlines()[0])


@dataclass
class _Filling:
    folder: Path
    listing: Listing
    settings: DataSettings
    track: Track
    file: IO[bytes]
    damaged: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    first: tuple[Path, tuple[int, ...]] | None = None
    levels: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    images = deep = beyond = halved = frames = 0

    def done(self) -> Filled:
        stream = TensorStream(self.file)
        digests: list[str] = []
        labels = {part: list(self._decoded(part, stream, digests)) for part in self.listing.parts}
        if self.damaged and not self.settings.skip_damaged:
            raise UsageError(_damaged(self.folder, self.damaged))
        self._require_classes(labels)
        wide = self.settings.range if self.deep else None
        filled = Filled(_joined(digests), self.damaged, list(self._notes()), wide)
        stream.put_text("notes", json.dumps({"damaged": filled.damaged, "notes": filled.notes, "range": wide}))
        for part, numbers in labels.items():
            stream.put(f"{part}.labels", np.array(numbers, np.int64))
        stream.finish()
        return filled

    def _decoded(self, part: str, stream: TensorStream, digests: list[str]) -> Iterator[int]:
        """Adds the images of a part to the stream; gives the number of each one's class."""
        classes = self.listing.parts[part]
        paths = [(path, number) for number, files in enumerate(classes.values()) for path in files]
        results = in_flight([path for path, _ in paths], _begin, partial(_read, self.settings), _most_in_flight())
        with closing(results):
            tracked = self.track(results, f"decoding {len(paths)} images of {part}", len(paths))
            for (path, number), (digest, picture) in zip(paths, tracked, strict=True):
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
        self.images += 1
        self.deep += picture.deep
        self.beyond += picture.beyond
        self.halved += picture.halved
        self.frames += picture.frames
        if picture.is_plain:
            self.plain.append(self._name(path))
        if part == "train":
            self.levels += picture.levels.sum(0)

    def _require_room(self, one: np.ndarray) -> None:
        """Refuses images for which there is no memory, or no room on the disk, before all are decoded."""
        count = sum(len(files) for classes in self.listing.parts.values() for files in classes.values())
        # What is decoded lies in a file, but a training holds it all; as sequences even twice, for a while.
        needed = count * one.nbytes * (2 if self.settings.as_sequence else 1)
        there = memory()
        if there is not None and needed > there:
            raise UsageError(
                f"data.source: {count:,} images of {one.shape[1]}×{one.shape[2]} (height × width) take "
                f"{needed / 1e9:,.1f} GB of memory, but this process may take {there / 1e9:,.1f} GB; make them smaller "
                "with --set data.size='[224, 224]', for instance."
            )
        place = Path(self.file.name).parent.parent
        free = shutil.disk_usage(place).free
        if count * one.nbytes > free:
            raise DiskFullError(
                f"{place}: the decoded images need {count * one.nbytes:,} bytes, and {free:,} are free; name another "
                "cache with data.cache or CONNPRUNE_CACHE, or make the images smaller with data.size."
            )

    def _sizes_differ(self, one: tuple[Path, tuple[int, ...]], other: tuple[Path, tuple[int, ...]]) -> str:
        (path, (_, height, width)), (other_path, (_, other_height, other_width)) = one, other
        return (
            f"data.source: {self._name(path)} is {height}×{width} (height × width), but "
            f"{self._name(other_path)} is {other_height}×{other_width}; "
            f"give all one size with --set data.size='[{height}, {width}]'."
        )

    def _require_classes(self, labels: dict[str, list[int]]) -> None:
        for part, numbers in labels.items():
            left = set(numbers)
            for number, (name, files) in enumerate(self.listing.parts[part].items()):
                if number not in left:
                    raise UsageError(
                        f"data.source: none of the {len(files)} images of the class {printable(name)!r} in "
                        f"{printable(str(files[0].parent))} can be read: {self._first_of(files)}"
                    )

    def _first_of(self, files: Sequence[Path]) -> str:
        names = {self._name(path) for path in files}
        return next((f"{text}." for text in self.damaged if text.partition(" (")[0] in names), "")

    def _name(self, path: Path) -> str:
        return printable(str(path.relative_to(self.folder)))

    def _notes(self) -> Iterator[str]:
        if self.frames:
            yield f"{_images(self.frames)} several frames or pages, of which the first is taken."
        if self.halved:
            yield f"{_images(self.halved)} 16 bits a channel in colour, of which Pillow keeps the upper 8."
        yield from self._notes_on_range()
        if self.plain:
            yield f"{_images(len(self.plain))} one single value: {_some(self.plain)}."
        if self.beyond:
            yield f"{_images(self.beyond)} values outside of data.range, which become its ends."

    def _notes_on_range(self) -> Iterator[str]:
        low, high = self.settings.range or (0, 255)
        if self.deep:
            others = f"; the other {self.images - self.deep:,} have 8, and stay as they are" * (self.deep < self.images)
            yield (
                f"{_images(self.deep)} more than 8 bits: the values {low} to {high} become 0 to 255 "
                f"(data.range){others}."
            )
        elif self.settings.range:
            yield "data.range is not used: no image has more than 8 bits."
        shares = self.levels.cumsum() / max(1, self.levels.sum())
        first, last = int((shares > _TAIL).argmax()), int((shares >= 1 - _TAIL).argmax())
        if last - first >= _LITTLE:
            return
        if self.deep == self.images:
            values = [low + level * (high - low) // 255 for level in (first, min(255, last + 1))]
            yield (
                f"nearly all pixels of train have values from {values[0]} to {values[1]}, a small part of the range "
                f"{low} to {high}; --set data.range='[{values[0]}, {values[1]}]' would spread them."
            )
        else:
            yield f"nearly all pixels of train have values from {first} to {last}, a small part of 0 to 255."


def _most_in_flight() -> int:
    there = memory()
    return _BYTES_IN_FLIGHT if there is None else min(_BYTES_IN_FLIGHT, int(_SHARE_IN_FLIGHT * there))


def _begin(path: Path) -> tuple[_Begun, int]:
    """Reads the header of a file; says how many bytes its decoding takes."""
    if not path.is_file():
        return _Begun(path, reason="it is no file"), 0  # A pipe or a device would be waited for, or never end.
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read() if size <= _SMALL_FILE else None
            with opened(file if content is None else BytesIO(content)) as image:
                width, height = image.size
        count = size + _BYTES_A_PIXEL * width * height
        return _Begun(path, content, large=count > _LARGE), count
    except (ConnpruneError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise whatever they stumble over.
        return _Begun(path, reason=why(error)), 0


def _read(settings: DataSettings, begun: _Begun) -> _Read:
    if begun.reason is not None:
        return _Read(_file_digest(begun.path), begun.reason)
    content = begun.content
    try:
        if content is None:
            content = begun.path.read_bytes()
        return _Read(hashlib.sha256(content).hexdigest(), decode(BytesIO(content), settings))
    except (ConnpruneError, MemoryError, RangeWantedError):
        raise
    except Exception as error:
        return _Read("" if content is None else hashlib.sha256(content).hexdigest(), why(error))
    finally:
        if begun.large:
            give_back_freed()


def _file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; of what is no file, or cannot be read, an empty text."""
    if not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _found_range(listing: Listing, track: Track) -> tuple[int, int]:
    """The least and the greatest value of the training images that have more than 8 bits."""
    paths = [path for files in listing.parts["train"].values() for path in files]
    found = in_flight(paths, _begin, _extremes, _most_in_flight())
    with closing(found):
        ends = [each for each in track(found, f"finding the range of {len(paths)} images", len(paths)) if each]
    if not ends:
        return _SIXTEEN_BITS
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return low, max(high, low + 1)


def _extremes(begun: _Begun) -> tuple[int, int] | None:
    if begun.reason is not None:
        return None
    try:
        return extremes(BytesIO(begun.path.read_bytes() if begun.content is None else begun.content))
    except (ConnpruneError, MemoryError):
        raise
    except Exception:
        return None
    finally:
        if begun.large:
            give_back_freed()


def _joined(digests: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _images(count: int) -> str:
    return f"{count:,} image{'s have' if count > 1 else ' has'}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"{', '.join(names[:_NAMED_AT_MOST])}{more}"


def _damaged(folder: Path, damaged: Sequence[str]) -> str:
    more = f" and {len(damaged) - _NAMED_AT_MOST} more" if len(damaged) > _NAMED_AT_MOST else ""
    return (
        f"data.source: {len(damaged)} images in {printable(str(folder))} cannot be read: "
        f"{'; '.join(damaged[:_NAMED_AT_MOST])}{more}. "
        "Mend them, or leave them out with --set data.skip_damaged=true."
    )
