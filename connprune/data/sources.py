"""Where images come from: the one place that chooses between named data sets, files of arrays and folders."""

from pathlib import Path

import torch

from connprune.data.cache import cache_folder
from connprune.data.folder import load_folder
from connprune.data.formats import format_of
from connprune.data.images import Dataset
from connprune.data.named import SOURCES, Source
from connprune.data.progress import Progress, without_progress
from connprune.data.settings import DataSettings
from connprune.data.shape import require_no_layout, require_suitable, source_path
from connprune.errors import ConnpruneError, UsageError
from connprune.names import unknown


def load(settings: DataSettings, progress: Progress = without_progress) -> Dataset:
    """Loads the images.

    Args:
        settings: which.
        progress: is handed the loop over files while they are read.

    Raises:
        UsageError: there is no such data set, it is not in the cache or not what it says, or the file or folder is not
            what it must be.
    """
    if settings.source in SOURCES:
        source = SOURCES[settings.source]
        dataset = source().load(settings, progress)
        _require_as_stated(source, dataset)
    else:
        path = source_path(settings)
        kind = format_of(path)
        if kind is not None:
            return kind.load(path, require_suitable(settings, kind), progress)
        require_no_layout(settings)
        dataset = load_folder(path, settings, cache_folder(settings.cache), progress)
    if settings.as_sequence:
        dataset = dataset.as_sequences()
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
        if images.dtype not in (torch.uint8, torch.float32) or images.shape != wanted:
            raise UsageError(
                f"{said} gave {part} images of {images.dtype} and {tuple(images.shape)}, expected torch.uint8 or "
                f"torch.float32 and {wanted}: at least one, as many as labels, of the shape that it says."
            )
        if images.dtype != dataset.train.images.dtype:
            raise UsageError(f"{said} gave {part} images of {images.dtype}, but those of train are of another type.")
        if labels.dtype != torch.int64 or labels.dim() != 1 or not 0 <= labels.min() <= labels.max() < source.classes:
            raise UsageError(
                f"{said} gave {part} labels of {labels.dtype} and {tuple(labels.shape)}, expected torch.int64 and "
                f"(count,), each from 0 to {source.classes - 1}."
            )
