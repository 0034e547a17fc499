"""Where images come from: the one place that chooses between named data sets and folders."""

from dataclasses import replace
from pathlib import Path

import torch

from connprune.data.cache import cache_folder
from connprune.data.folder import load_folder
from connprune.data.images import Dataset
from connprune.data.named import SOURCES, Source
from connprune.data.progress import Progress, without_progress
from connprune.data.settings import DataSettings
from connprune.data.shape import source_folder
from connprune.errors import ConnpruneError, UsageError
from connprune.names import unknown


def load(settings: DataSettings, progress: Progress = without_progress) -> Dataset:
    """Loads the images.

    Args:
        settings: which.
        progress: is handed the loop over a folder's files while they are decoded.

    Raises:
        UsageError: there is no such data set, it is not in the cache or not what it says, or the folder is not what it
            must be.
    """
    if settings.source in SOURCES:
        source = SOURCES[settings.source]
        dataset = source().load(settings, progress)
        _require_as_stated(source, dataset)
    else:
        dataset = load_folder(source_folder(settings), settings, cache_folder(settings.cache), progress)
    if settings.as_sequence:
        parts = {part: getattr(dataset, part) for part in ("train", "test", "validation")}
        dataset = replace(dataset, **{part: images.as_sequences() for part, images in parts.items() if len(images)})
    return dataset


def download(settings: DataSettings, progress: Progress = without_progress) -> Path:
    """Downloads a named data set into the cache, checks it, and returns the cache folder.

    Raises:
        UsageError: the name is no data set that can be downloaded.
        ConnpruneError: the download failed, and goes on when it is tried again; or the checksum is wrong.
    """
    if settings.source not in SOURCES:
        raise UsageError(unknown("data", settings.source, SOURCES))
    cache = cache_folder(settings.cache)
    try:
        SOURCES[settings.source]().download(settings, progress)
    except OSError as error:
        raise ConnpruneError(
            f"The download of {settings.source} failed: {error}; run the command again to go on."
        ) from None
    return cache


def _require_as_stated(source: type[Source], dataset: Dataset) -> None:
    """Refuses images that are not what their data set says.

    Raises:
        UsageError: so it is.
    """
    said = f"data.source: the data set {source.name}"
    if len(dataset.classes) != source.classes:
        raise UsageError(f"{said} names {len(dataset.classes)} classes, but says that there are {source.classes}.")
    for part in ("train", "test", "validation"):
        images, labels = getattr(dataset, part).images, getattr(dataset, part).labels
        if part == "validation" and not len(labels):
            continue
        wanted = (max(1, len(labels)), *source.shape)
        if images.dtype != torch.uint8 or images.shape != wanted:
            raise UsageError(
                f"{said} gave {part} images of {images.dtype} and {tuple(images.shape)}, expected torch.uint8 and "
                f"{wanted}: at least one, as many as labels, of the shape that it says."
            )
        if labels.dtype != torch.int64 or labels.dim() != 1 or not 0 <= labels.min() <= labels.max() < source.classes:
            raise UsageError(
                f"{said} gave {part} labels of {labels.dtype} and {tuple(labels.shape)}, expected torch.int64 and "
                f"(count,), each from 0 to {source.classes - 1}."
            )
