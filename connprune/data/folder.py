"""A folder of images, decoded once and cached. The content of the files decides which decoded images are theirs."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from connprune.data.decoded import read_decoded
from connprune.data.filling import fill
from connprune.data.images import Dataset
from connprune.data.listing import Listing, list_folder
from connprune.data.progress import Progress
from connprune.data.reading import content_of
from connprune.data.scratch import keep, under_way
from connprune.data.settings import DataSettings
from connprune.errors import UsageError

# Part of each name in the cache: goes up when what is cached changes.
_CACHE_VERSION = 3


def load_folder(folder: Path, settings: DataSettings, cache: Path, progress: Progress) -> Dataset:
    """Loads the folder's images, from the cache if these very files, byte for byte, were decoded before.

    A damaged cache is made anew.

    Raises:
        UsageError: see `list_folder` and `fill`.
        DiskFullError: the cache has no room for the decoded images.
    """
    listing = list_folder(folder, settings.follow_links)
    dataset = _remembered(folder, listing, settings, cache, progress)
    if dataset is None:
        dataset = _read(_decoded(folder, listing, settings, cache, progress), listing, settings)
    if dataset is None:
        raise UsageError(f"{cache}: the decoded images are damaged; is the disk well?")
    return dataset


def _remembered(
    folder: Path, listing: Listing, settings: DataSettings, cache: Path, progress: Progress
) -> Dataset | None:
    """What the cache has. A first look, at names and sizes, only spares reading files that it cannot have."""
    content = ""
    # A run states the range that its training found, and what was decoded with that is the same.
    unstated = settings.model_copy(update={"range": None})
    exact = _first_look(folder, listing, settings)
    for each in dict.fromkeys((exact, _first_look(folder, listing, unstated))):
        if not any(cache.glob(f"folder-{each}-*.safetensors")):
            continue
        content = content or content_of(_paths(listing), progress)
        dataset = _read(_path_of(cache, each, content), listing, settings)
        if dataset is not None and (each == exact or settings.range == dataset.range):
            return dataset
    return None


def _decoded(folder: Path, listing: Listing, settings: DataSettings, cache: Path, progress: Progress) -> Path:
    """Decodes the images into a file of the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    with under_way(cache) as file:
        filled = fill(folder, listing, settings, progress, file)
        path = _path_of(cache, _first_look(folder, listing, settings), filled.content)
        keep(file, path)
    return path


def _paths(listing: Listing) -> list[Path]:
    return [path for classes in listing.parts.values() for files in classes.values() for path in files]


def _path_of(cache: Path, first_look: str, content: str) -> Path:
    return cache / f"folder-{first_look}-{content[:32]}.safetensors"


def _first_look(folder: Path, listing: Listing, settings: DataSettings) -> str:
    """A digest of how images are decoded, and of the names and sizes of the files."""
    how = settings.size, settings.channels, settings.background, settings.range, settings.skip_damaged
    digest = hashlib.sha256(repr((_CACHE_VERSION, how)).encode())
    for path in _paths(listing):
        size = path.stat().st_size if path.exists() else 0
        digest.update(os.fsencode(path.relative_to(folder)) + f"\0{size}\n".encode())
    return digest.hexdigest()[:16]


def _read(path: Path, listing: Listing, settings: DataSettings) -> Dataset | None:
    """The images in a file of the cache; None if it is damaged or not there."""
    dataset = read_decoded(path, settings, listing.classes)
    return dataset and replace(dataset, notes=(*listing.notes, *dataset.notes))
