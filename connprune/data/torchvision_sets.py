"""Data sets that torchvision knows, from the files that it keeps of them: in its layout, verified by its checksums."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from connprune.data.cifar import unpack
from connprune.data.images import Dataset, Images
from connprune.data.progress import Progress
from connprune.data.published import get, has_checksum, not_there, read_published

_STL10 = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
_ZERO = 10
# What an IDX file begins with, before how many axes its array has: two zeros, and eight bits a value.
_IDX = b"\0\0\x08"


def load_idx(name: str, kind: str, cache: Path) -> Dataset:
    """Loads MNIST, or what has its form, from `KIND/raw/*.gz` in the cache.

    Args:
        name: of the data set here.
        kind: the name of torchvision's class.
        cache: the folder.

    Raises:
        UsageError: it is not there, or not as it was published.
    """
    source, folder = _of_torchvision(kind), cache / kind / "raw"
    try:
        images, labels, test_images, test_labels = (
            _array(read_published(folder / file, checksum)) for file, checksum in source.resources
        )
    except (OSError, ValueError) as error:
        raise not_there(name, cache, error) from None
    # Some names are "7 - seven".
    classes = tuple(str(word).split(" - ")[0] for word in source.classes)
    return Dataset(classes, _images(images[:, None], labels), _images(test_images[:, None], test_labels))


def download_idx(kind: str, cache: Path, progress: Progress) -> None:
    """Gets what `load_idx` reads.

    Raises:
        ConnpruneError: a checksum is wrong.
        OSError: the download failed, and goes on when it is tried again; or the disk is full.
    """
    source = _of_torchvision(kind)
    for file, checksum in source.resources:
        get([mirror + file for mirror in source.mirrors], cache / kind / "raw" / file, checksum, progress)


def load_svhn(name: str, cache: Path) -> Dataset:
    """Loads the numbers of houses from `PART_32x32.mat` in the cache.

    Raises:
        UsageError: they are not there, or not as they were published.
    """
    from scipy.io import loadmat

    parts = []
    for part in ("train", "test"):
        _, file, checksum = _of_torchvision("SVHN").split_list[part]
        try:
            table = loadmat(io.BytesIO(read_published(cache / file, checksum)), variable_names=["X", "y"])
        except (OSError, ValueError) as error:
            raise not_there(name, cache, error) from None
        labels = table["y"].reshape(-1)
        # The digit 0 is called 10 there.
        parts.append(_images(table["X"].transpose(3, 2, 0, 1), np.where(labels == _ZERO, 0, labels)))
    train, test = parts
    return Dataset(tuple("0123456789"), train, test)


def download_svhn(cache: Path, progress: Progress) -> None:
    """Gets what `load_svhn` reads; raises as `download_idx` does."""
    for part in ("train", "test"):
        url, file, checksum = _of_torchvision("SVHN").split_list[part]
        get([url], cache / file, checksum, progress)


def load_stl10(name: str, cache: Path) -> Dataset:
    """Loads the labelled images of STL-10 from `stl10_binary/` in the cache.

    Raises:
        UsageError: they are not there, or not as they were published.
    """
    source, parts = _of_torchvision("STL10"), []
    for files in (source.train_list[:2], source.test_list):
        try:
            images, labels = (
                np.frombuffer(read_published(cache / source.base_folder / file, checksum), np.uint8)
                for file, checksum in files
            )
        except (OSError, ValueError) as error:
            raise not_there(name, cache, error) from None
        # Column by column, and counted from 1.
        parts.append(_images(images.reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2), labels.astype(np.int64) - 1))
    train, test = parts
    return Dataset(_STL10, train, test)


def download_stl10(cache: Path, progress: Progress) -> None:
    """Gets what `load_stl10` reads, of an archive of 2.6 GB; raises as `download_idx` does, or as `unpack`."""
    source = _of_torchvision("STL10")
    checksums = dict((*source.train_list[:2], *source.test_list))
    folder = cache / source.base_folder
    missing = {file: md5 for file, md5 in checksums.items() if not has_checksum(folder / file, md5)}
    if missing:
        archive = cache / source.filename
        get([source.url], archive, source.tgz_md5, progress)
        unpack(archive, folder, missing)


def _of_torchvision(kind: str) -> Any:
    from torchvision import datasets

    return getattr(datasets, kind)


def _array(content: bytes) -> np.ndarray:
    """The array in a packed IDX file of bytes.

    Raises:
        ValueError: it is none.
    """
    content = gzip.decompress(content)
    axes = content[3]
    start = 4 + 4 * axes
    if content[:3] != _IDX:
        raise ValueError("its arrays are not of bytes")
    shape = np.frombuffer(content[4:start], ">i4")
    return np.frombuffer(content[start:], np.uint8).reshape(shape)


def _images(images: np.ndarray, labels: np.ndarray) -> Images:
    return Images(torch.from_numpy(images.copy(order="C")), torch.from_numpy(labels.astype(np.int64)))
