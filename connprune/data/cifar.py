"""CIFAR-10 and CIFAR-100 as their authors publish them: an archive of pickles, of which only the arrays are taken."""

import io
import pickle
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from connprune.data.images import Dataset, Images
from connprune.data.progress import Progress
from connprune.data.published import get, has_checksum, md5, not_there, read_published
from connprune.errors import ConnpruneError
from connprune.files import write_whole

# The largest file of the two archives has 155 MB.
_LARGEST_FILE = 2**28
_ALLOWED = {
    ("_codecs", "encode"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


class _Arrays(pickle.Unpickler):
    """Makes arrays, lists and text of a pickle, and calls nothing else that it names."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


def load_cifar(name: str, cache: Path) -> Dataset:
    """Loads a data set from the cache.

    Raises:
        UsageError: it is not there, or not as its authors published it.
    """
    source = _source(name)
    folder = cache / source.base_folder
    try:
        train, test = (
            _images([_batch(_unpickled(folder / file, checksum)) for file, checksum in files])
            for files in (source.train_list, source.test_list)
        )
        meta = _unpickled(folder / source.meta["filename"], source.meta["md5"])
        classes = tuple(map(str, _list(meta, source.meta["key"])))
    except (OSError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise not_there(name, cache, error) from None
    return Dataset(classes, train, test)


def download_cifar(name: str, cache: Path, progress: Progress) -> None:
    """Downloads a data set into the cache and checks it, unless it is there already.

    Raises:
        ConnpruneError: the checksum is wrong, or the archive is not what it must be.
        OSError: the download failed, and goes on when it is tried again; or the disk is full.
    """
    source = _source(name)
    archive = cache / source.filename
    get([source.url], archive, source.tgz_md5, progress)
    checksums = {**dict(source.train_list), **dict(source.test_list), source.meta["filename"]: source.meta["md5"]}
    missing = {file: its for file, its in checksums.items() if not has_checksum(cache / source.base_folder / file, its)}
    if missing:
        unpack(archive, cache / source.base_folder, missing)


def unpack(archive: Path, folder: Path, checksums: Mapping[str, str]) -> None:
    """Takes certain files out of an archive, each by its own name, and leaves all else that it holds where it is.

    Args:
        archive: a tar archive; the files are in its folder of the name that `folder` has.
        folder: where they go.
        checksums: their names, each with its MD5.

    Raises:
        ConnpruneError: one is missing, is no plain file, or is not what was expected.
    """
    folder.mkdir(exist_ok=True)
    left = dict(checksums)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = member.name.removeprefix(f"{folder.name}/")
                if name not in left or not member.isreg() or member.size > _LARGEST_FILE:
                    continue
                data = tar.extractfile(member)
                content = data.read() if data else b""
                if md5(content) == left[name]:
                    write_whole(folder / name, lambda path, content=content: Path(path).write_bytes(content))  # type: ignore[misc]
                    del left[name]
                if not left:
                    return
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ConnpruneError(f"{archive}: this archive is damaged: {error}.") from None
    raise ConnpruneError(f"{archive}: expected the file {folder.name}/{next(iter(left))} in this archive.")


def _source(name: str) -> Any:
    """Where torchvision says that the data set is, and the checksums of its files."""
    from torchvision import datasets

    return {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]


def _unpickled(path: Path, checksum: str) -> dict[str, object]:
    table = _Arrays(io.BytesIO(read_published(path, checksum)), encoding="latin1").load()
    if not isinstance(table, dict):
        raise TypeError(f"{path.name} holds no table")
    return table


def _batch(table: dict[str, object]) -> Images:
    pixels = np.asarray(table["data"], dtype=np.uint8).reshape(-1, 3, 32, 32)
    return Images(
        torch.from_numpy(pixels), torch.tensor(_list(table, "labels" if "labels" in table else "fine_labels"))
    )


def _list(table: dict[str, object], key: str) -> list[object]:
    value = table[key]
    if not isinstance(value, list):
        raise TypeError(f"{key} is no list")
    return value


def _images(batches: Sequence[Images]) -> Images:
    return Images(torch.cat([batch.images for batch in batches]), torch.cat([batch.labels for batch in batches]))
