"""Where images come from: one function for each kind of source, and the one place that chooses among them."""

import os
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import platformdirs
import torch

from connprune.data.download import fetch
from connprune.data.folder import load_folder
from connprune.data.images import Dataset, Images
from connprune.data.settings import NAMED, DataSettings
from connprune.data.shape import source_folder
from connprune.data.track import Track, untracked
from connprune.errors import ConnpruneError, UsageError
from connprune.tensor_files import read_tensors


def cache_folder(settings: DataSettings) -> Path:
    """Where downloads and decoded images are kept: `data.cache`, $CONNPRUNE_CACHE, or the user's cache folder."""
    chosen = settings.cache or os.environ.get("CONNPRUNE_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("connprune"))


def load(settings: DataSettings, track: Track = untracked) -> Dataset:
    """Loads the images.

    Args:
        settings: which.
        track: is handed the loop over a folder's files while they are decoded.

    Raises:
        UsageError: there is no such data set, it is not in the cache, or the folder is not what it must be.
    """
    if settings.source == "digits":
        dataset = _digits()
    elif settings.source in NAMED:
        dataset = _cifar(settings)
    else:
        dataset = load_folder(source_folder(settings), settings, cache_folder(settings), track)
    if settings.as_sequence:
        dataset = replace(dataset, train=dataset.train.as_sequences(), test=dataset.test.as_sequences())
    return dataset


def download(settings: DataSettings, track: Track = untracked) -> Path:
    """Downloads a named data set into the cache, checks it, and returns the cache folder.

    Raises:
        UsageError: the name is no data set that can be downloaded.
        ConnpruneError: the download failed, and goes on when it is tried again; or the checksum is wrong.
    """
    if settings.source == "digits":
        return cache_folder(settings)
    if settings.source not in NAMED:
        names = ", ".join(NAMED)
        raise UsageError(f"data: found {settings.source!r}, expected one of {names}.")
    from torchvision.datasets.utils import check_integrity

    cache, dataset = cache_folder(settings), _cifar_class(settings)
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / dataset.filename
    try:
        if not check_integrity(archive, dataset.tgz_md5):
            fetch(dataset.url, archive, track)
        if not check_integrity(archive, dataset.tgz_md5):
            archive.unlink()
            raise ConnpruneError(f"{dataset.url}: the file has another checksum than expected, {dataset.tgz_md5}.")
        # What torchvision prints must not mix with the command's own result.
        with redirect_stdout(sys.stderr):
            dataset(cache, download=True)
    except OSError as error:
        raise ConnpruneError(
            f"The download of {dataset.url} failed: {error}; run the command again to go on."
        ) from None
    return cache


def _digits() -> Dataset:
    with as_file(files("connprune.data") / "embedded" / "digits.safetensors") as path:
        tensors, _ = read_tensors(path)
    train = Images(tensors["train.images"], tensors["train.labels"])
    test = Images(tensors["test.images"], tensors["test.labels"])
    return Dataset(tuple("0123456789"), train, test)


def _cifar_class(settings: DataSettings) -> Any:
    from torchvision import datasets

    return {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[settings.source]


def _cifar(settings: DataSettings) -> Dataset:
    cache = cache_folder(settings)
    try:
        parts = [_cifar_class(settings)(cache, train=train) for train in (True, False)]
    except RuntimeError:
        raise UsageError(
            f"data.source: {settings.source} is not in the cache {cache}, or is damaged there; "
            f"get it with `connprune data {settings.source}`, or train on a folder of images with --data DIR."
        ) from None
    train, test = (
        Images(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets))
        for part in parts
    )
    return Dataset(tuple(parts[0].classes), train, test)
