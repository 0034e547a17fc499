"""The real CIFAR download and loading code, on small archives in the official format that the test makes and serves."""

import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import numpy as np
import pytest
from torchvision import datasets

from connprune.data.cifar import unpack
from connprune.data.settings import DataSettings
from connprune.data.sources import download, load
from connprune.errors import ConnpruneError, UsageError

PER_FILE = 4


def add(archive: tarfile.TarFile, name: str, data: bytes) -> str:
    """Adds a file to an archive and returns its checksum."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
    return hashlib.md5(data).hexdigest()


def make_archive(path: Path, dataset: type[datasets.CIFAR10], labels: str) -> dict[str, Any]:
    """Writes a CIFAR archive, and returns the class attributes that describe it."""
    numbers = np.random.default_rng(0)
    parts: dict[str, list[list[str]]] = {"train_list": [], "test_list": []}
    with tarfile.open(path, "w:gz") as archive:
        for part, files in parts.items():
            for name, _ in getattr(dataset, part):
                batch = {
                    "data": numbers.integers(0, 256, (PER_FILE, 3072), dtype=np.uint8),
                    labels: numbers.integers(0, 10, PER_FILE).tolist(),
                }
                files.append([name, add(archive, f"{dataset.base_folder}/{name}", pickle.dumps(batch))])
        meta_name, meta_key = dataset.meta["filename"], dataset.meta["key"]
        meta = pickle.dumps(
            {meta_key: [f"class {number}" for number in range({"labels": 10, "fine_labels": 100}[labels])]}
        )
        checksum = add(archive, f"{dataset.base_folder}/{meta_name}", meta)
    return {
        **parts,
        "meta": {**dataset.meta, "md5": checksum},
        "filename": path.name,
        "tgz_md5": hashlib.md5(path.read_bytes()).hexdigest(),
    }


class Resuming(SimpleHTTPRequestHandler):
    """Sends the rest of a file when asked for it, and breaks off after `limit` bytes."""

    limit: int | None = None
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        data = Path(self.translate_path(self.path)).read_bytes()
        wanted = self.headers.get("Range")
        type(self).asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:][: type(self).limit])

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serves the test's folder on this machine."""
    monkeypatch.setattr(Resuming, "asked", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Resuming, directory=tmp_path)) as serving:
        Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.fixture(params=["cifar10", "cifar100"])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> DataSettings:
    """A data set whose archive is served here."""
    dataset, labels = {"cifar10": (datasets.CIFAR10, "labels"), "cifar100": (datasets.CIFAR100, "fine_labels")}[
        request.param
    ]
    for name, value in make_archive(tmp_path / "archive.tar.gz", dataset, labels).items():
        monkeypatch.setattr(dataset, name, value)
    monkeypatch.setattr(dataset, "url", f"{server}/archive.tar.gz")
    return DataSettings(source=request.param, cache=str(tmp_path / "cache"))


def test_download_then_load(settings: DataSettings) -> None:
    with pytest.raises(UsageError, match=rf"get it with `connprune data {settings.source}`"):
        load(settings)
    assert download(settings) == Path(str(settings.cache))
    dataset = load(settings)
    files = 5 if settings.source == "cifar10" else 1
    assert dataset.train.images.shape == (files * PER_FILE, 3, 32, 32)
    assert dataset.test.images.shape == (PER_FILE, 3, 32, 32)
    assert dataset.classes[3] == "class 3"


def test_channels_come_first(settings: DataSettings) -> None:
    download(settings)
    folder = (
        Path(str(settings.cache)) / {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}[settings.source]
    )
    name = {"cifar10": "test_batch", "cifar100": "test"}[settings.source]
    raw = pickle.loads((folder / name).read_bytes())["data"].reshape(PER_FILE, 3, 32, 32)
    assert (load(settings).test.images.numpy() == raw).all()


def test_a_wrong_checksum_is_refused(settings: DataSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[settings.source]
    monkeypatch.setattr(dataset, "tgz_md5", "0" * 32)
    with pytest.raises(ConnpruneError, match="another checksum than expected, 0000"):
        download(settings)
    assert not list(Path(str(settings.cache)).glob("*.tar.gz*"))


@pytest.mark.parametrize("limit", [1, 1000])
def test_a_download_that_broke_off_goes_on(settings: DataSettings, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(Resuming, "limit", limit)
    with pytest.raises(ConnpruneError, match="run the command again to go on"):
        download(settings)
    monkeypatch.setattr(Resuming, "limit", None)
    download(settings)
    assert Resuming.asked == [None, f"bytes={limit}-"]
    assert len(load(settings).test) == PER_FILE


def test_a_complete_download_is_not_repeated(settings: DataSettings) -> None:
    download(settings)
    download(settings)
    assert Resuming.asked == [None]


def test_a_damaged_file_is_refused(settings: DataSettings) -> None:
    download(settings)
    damaged = next(Path(str(settings.cache)).rglob("test*"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(UsageError, match=r"is not in the cache .* or is damaged there"):
        load(settings)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found 'kmnist', expected one of digits, cifar10, cifar100, mnist"):
        download(DataSettings(source="kmnist", cache=str(tmp_path)))


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def test_pickles_of_the_first_numpy_are_read(settings: DataSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The published files name numpy's modules as they were called then."""
    download(settings)
    path = next(Path(str(settings.cache)).rglob("test*"))
    batch = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps(batch, protocol=2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    replace_checksum(monkeypatch, settings, path)
    assert (load(settings).test.images.numpy().reshape(PER_FILE, -1) == batch["data"]).all()


def test_a_pickle_that_would_run_something_is_refused(
    settings: DataSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Even one with the right checksum."""
    download(settings)
    path = next(Path(str(settings.cache)).rglob("test*"))
    path.write_bytes(pickle.dumps({"data": Runs(f"touch {tmp_path / 'ran'}")}))
    replace_checksum(monkeypatch, settings, path)
    with pytest.raises(UsageError, match=r"damaged there \(it names (posix|nt).system\)"):
        load(settings)
    assert not (tmp_path / "ran").exists()


def replace_checksum(monkeypatch: pytest.MonkeyPatch, settings: DataSettings, path: Path) -> None:
    dataset = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[settings.source]
    monkeypatch.setattr(dataset, "test_list", [[path.name, hashlib.md5(path.read_bytes()).hexdigest()]])


def everything(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("kind", ["parent", "absolute", "symbolic link", "hard link", "pipe", "bomb"])
def test_an_archive_cannot_write_beside_its_folder(tmp_path: Path, kind: str) -> None:
    """Only the files that are asked for leave an archive, and only as plain files of the expected content."""
    (tmp_path / "secret").write_text("mine")
    folder = tmp_path / "cache" / "batches"
    folder.parent.mkdir()
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("batches/data")
        match kind:
            case "parent":
                add(archive, "../secret", b"theirs")
                add(archive, "batches/../../secret", b"theirs")
            case "absolute":
                add(archive, str(tmp_path / "secret"), b"theirs")
            case "symbolic link":
                entry.type, entry.linkname = tarfile.SYMTYPE, "../../secret"
                archive.addfile(entry)
            case "hard link":
                entry.type, entry.linkname = tarfile.LNKTYPE, "../../secret"
                archive.addfile(entry)
            case "pipe":
                entry.type = tarfile.FIFOTYPE
                archive.addfile(entry)
            case "bomb":
                add(archive, "batches/data", bytes(2**28 + 1))
    checksums = {"data": hashlib.md5(b"right").hexdigest()}
    before = everything(tmp_path)
    with pytest.raises(ConnpruneError, match="expected the file batches/data in this archive"):
        unpack(tmp_path / "archive.tar.gz", folder, checksums)
    assert everything(tmp_path) == {**before, str(folder): None}
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as archive:
        add(archive, "../secret", b"theirs")
        add(archive, "batches/data", b"right")
    unpack(tmp_path / "archive.tar.gz", folder, checksums)
    assert (tmp_path / "secret").read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["data"]


@pytest.mark.parametrize("content", [b"", b"no archive", bytes(2000)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "archive.tar.gz").write_bytes(content)
    with pytest.raises(ConnpruneError, match="archive"):
        unpack(tmp_path / "archive.tar.gz", tmp_path / "batches", {"data": "0"})
