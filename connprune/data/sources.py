"""Where images come from: one function for each kind of source, and the one place that chooses among them."""

from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

from connprune.data.cache import cache_folder
from connprune.data.cifar import download_cifar, load_cifar
from connprune.data.folder import load_folder
from connprune.data.images import Dataset, Images
from connprune.data.progress import Progress, without_progress
from connprune.data.settings import NAMED, DataSettings
from connprune.data.shape import source_folder
from connprune.errors import ConnpruneError, UsageError
from connprune.tensor_files import read_tensors


def load(settings: DataSettings, progress: Progress = without_progress) -> Dataset:
    """Loads the images.

    Args:
        settings: which.
        progress: is handed the loop over a folder's files while they are decoded.

    Raises:
        UsageError: there is no such data set, it is not in the cache, or the folder is not what it must be.
    """
    if settings.source == "digits":
        dataset = _digits()
    elif settings.source in NAMED:
        dataset = load_cifar(settings.source, cache_folder(settings.cache))
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
    if settings.source == "digits":
        return cache_folder(settings.cache)
    if settings.source not in NAMED:
        names = ", ".join(NAMED)
        raise UsageError(f"data: found {settings.source!r}, expected one of {names}.")
    cache = cache_folder(settings.cache)
    try:
        download_cifar(settings.source, cache, progress)
    except OSError as error:
        raise ConnpruneError(
            f"The download of {settings.source} failed: {error}; run the command again to go on."
        ) from None
    return cache


def _digits() -> Dataset:
    with as_file(files("connprune.data") / "embedded" / "digits.safetensors") as path:
        tensors, _ = read_tensors(path)
    train = Images(tensors["train.images"], tensors["train.labels"])
    test = Images(tensors["test.images"], tensors["test.labels"])
    return Dataset(tuple("0123456789"), train, test)
