"""Data sets of torchvision's by name, in files that the test makes in its layout, and that torchvision reads too."""

import gzip
import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torchvision import datasets

from connprune.data.named import SOURCES
from connprune.data.settings import DataSettings
from connprune.data.sources import download, load
from connprune.errors import UsageError

NUMBERS = np.random.default_rng(0)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return gzip.compress(header + array.tobytes(), mtime=0)


def drawn(count: int, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.resize(np.arange(10, dtype=np.uint8), count)
    return NUMBERS.integers(0, 256, (count, *shape), dtype=np.uint8), labels


def write_idx(kind: str) -> Callable[[Path, pytest.MonkeyPatch], list[tuple[np.ndarray, Any]]]:
    def write(root: Path, patch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, Any]]:
        source, folder, resources = getattr(datasets, kind), root / kind / "raw", []
        folder.mkdir(parents=True)
        parts = drawn(20, 28, 28), drawn(10, 28, 28)
        for (name, _), array in zip(source.resources, (array for part in parts for array in part), strict=True):
            content = idx(array)
            (folder / name).write_bytes(content)
            (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
            resources.append((name, hashlib.md5(content).hexdigest()))
        patch.setattr(source, "resources", resources)
        patch.setattr(source, "mirrors", [root.as_uri() + f"/{kind}/raw/"])
        known = (source(root, train=train) for train in (True, False))
        return [(its.data.numpy()[:, None], its.targets) for its in known]

    return write


def write_svhn(root: Path, patch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, Any]]:
    listed, known = {}, []
    for part, count in (("train", 20), ("test", 10)):
        images, labels = drawn(count, 32, 32, 3)
        name = f"{part}_32x32.mat"
        savemat(root / name, {"X": images.transpose(1, 2, 3, 0), "y": np.where(labels == 0, 10, labels)[:, None]})
        listed[part] = [(root / name).as_uri(), name, hashlib.md5((root / name).read_bytes()).hexdigest()]
    patch.setattr(datasets.SVHN, "split_list", listed)
    for part in listed:
        its = datasets.SVHN(str(root), part)
        known.append((its.data, its.labels))
    return known


def write_stl10(root: Path, patch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, Any]]:
    source = datasets.STL10
    folder, checksums = root / source.base_folder, {}
    folder.mkdir()
    (folder / source.class_names_file).write_text("\n".join("abcdefghij"))
    (folder / "unlabeled_X.bin").write_bytes(b"")
    for part, count in (("train", 20), ("test", 10)):
        images, labels = drawn(count, 3, 96, 96)
        (folder / f"{part}_X.bin").write_bytes(images.tobytes())
        (folder / f"{part}_y.bin").write_bytes((labels + 1).tobytes())
    for file in folder.glob("*.bin"):
        checksums[file.name] = hashlib.md5(file.read_bytes()).hexdigest()
    for part in ("train_list", "test_list"):
        patch.setattr(source, part, [[name, checksums[name]] for name, _ in getattr(source, part)])
    archive = root / source.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, source.base_folder)
    patch.setattr(source, "url", archive.as_uri())
    patch.setattr(source, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    return [(its.data, its.labels) for its in (source(str(root), part) for part in ("train", "test"))]


WRITE = {
    "mnist": write_idx("MNIST"),
    "fashion-mnist": write_idx("FashionMNIST"),
    "svhn": write_svhn,
    "stl10": write_stl10,
}
BY_NAME = pytest.mark.parametrize("name", WRITE)


@BY_NAME
def test_images_are_what_torchvision_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    known = WRITE[name](tmp_path, monkeypatch)
    dataset = load(DataSettings(source=name, cache=str(tmp_path)))
    for part, (images, labels) in zip((dataset.train, dataset.test), known, strict=True):
        assert torch.equal(part.images, torch.from_numpy(np.ascontiguousarray(images)))
        assert part.labels.tolist() == [int(label) for label in labels]
    assert dataset.shape == SOURCES[name].shape
    assert len(set(dataset.classes)) == SOURCES[name].classes


@BY_NAME
def test_a_download_is_verified_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    published, cache = tmp_path / "published", tmp_path / "cache"
    published.mkdir()
    WRITE[name](published, monkeypatch)
    settings = DataSettings(source=name, cache=str(cache))
    with pytest.raises(UsageError, match=f"{name} is not in the cache .*get it with `connprune data {name}`"):
        load(settings)
    labels: list[str] = []

    def progress(items, label, total):  # type: ignore[no-untyped-def]
        labels.append(label)
        return items

    download(settings, progress)
    assert labels
    digest = load(settings).digest
    labels.clear()
    download(settings, progress)
    assert not labels
    files = sorted(file for file in cache.rglob("*") if file.is_file())
    damaged = next(file for file in files if file.name.startswith(("test", "t10k")))
    content = bytearray(damaged.read_bytes())
    content[-9] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(UsageError, match=f"{damaged.name} has another checksum than expected"):
        load(settings)
    download(settings, progress)
    assert load(settings).digest == digest
