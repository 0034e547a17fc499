"""The cache of decoded images: what the files hold decides, nothing is left behind, and a signal ends the decoding."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from PIL import Image

from connprune.data.progress import stoppable
from connprune.data.scratch import under_way
from connprune.data.settings import DataSettings
from connprune.data.sources import load
from connprune.errors import DiskFullError, InterruptedRunError
from connprune.signals import Stop
from connprune.tensor_files import digest_of_arrays, read_tensors
from connprune.tensor_stream import TensorStream
from tests.conftest import PATIENCE

T = TypeVar("T")
WHEN = (10**9, 10**9)


def folder_of(root: Path, dark: int) -> Path:
    """Two classes, one dark and one bright: names, sizes and times are those of every such folder."""
    for part, count in (("train", 6), ("test", 2)):
        for label in (0, 1):
            place = root / part / f"c{label}"
            place.mkdir(parents=True)
            for number in range(count):
                value = (40 if label == dark else 200) + number
                Image.fromarray(np.full((4, 4), value, np.uint8)).save(place / f"{number}.bmp")
                os.utime(place / f"{number}.bmp", WHEN)
    return root


def test_folders_that_differ_in_content_alone_do_not_share_pixels(tmp_path: Path) -> None:
    one, other = folder_of(tmp_path / "one", 0), folder_of(tmp_path / "other", 1)
    shared, own = str(tmp_path / "cache"), str(tmp_path / "fresh")
    first = load(DataSettings(source=str(one), cache=shared))
    second = load(DataSettings(source=str(other), cache=shared))
    assert second.digest == load(DataSettings(source=str(other), cache=own)).digest != first.digest
    assert torch.equal(load(DataSettings(source=str(one), cache=shared)).train.images, first.train.images)


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_file_changed_in_place_is_seen(tmp_path: Path, part: str) -> None:
    folder = folder_of(tmp_path / "one", 0)
    settings = DataSettings(source=str(folder), cache=str(tmp_path / "cache"))
    before = load(settings)
    path = folder / part / "c0" / "1.bmp"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, WHEN)
    after = load(settings)
    assert after.digest != before.digest
    assert after.digest == load(settings.model_copy(update={"cache": str(tmp_path / "fresh")})).digest


def test_a_damaged_file_that_was_mended_is_seen(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "one", 0)
    path = folder / "train" / "c0" / "1.bmp"
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    settings = DataSettings(source=str(folder), cache=str(tmp_path / "cache"), skip_damaged=True)
    assert len(load(settings).train) == 11
    path.write_bytes(whole)
    assert len(load(settings).train) == 12


def test_the_same_files_elsewhere_are_not_decoded_again(tmp_path: Path) -> None:
    one, other = folder_of(tmp_path / "one", 0), folder_of(tmp_path / "other", 0)
    for path in other.rglob("*.bmp"):
        os.utime(path)
    for folder in (one, other):
        load(DataSettings(source=str(folder), cache=str(tmp_path / "cache")))
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize("stated", [None, (0, 200)])
def test_nothing_is_decoded_twice_whether_or_not_a_range_is_stated(
    tmp_path: Path, stated: tuple[int, int] | None
) -> None:
    labels: list[str] = []

    def track(items: Iterable[T], label: str, total: int) -> Iterable[T]:
        labels.append(label)
        return items

    settings = DataSettings(source=str(folder_of(tmp_path / "one", 0)), cache=str(tmp_path / "cache"), range=stated)
    first = load(settings, track)
    assert labels == ["decoding 12 images of train", "decoding 4 images of test"]
    second = load(settings, track)
    assert labels[2:] == ["comparing 16 images with the decoded ones"]
    assert (second.digest, second.notes) == (first.digest, first.notes)


def test_what_is_written_piece_by_piece_is_read_as_a_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {
        "a": rng.integers(0, 256, (5, 3, 2), dtype=np.uint8),
        "text": np.frombuffer(b"seven b ", np.uint8),
        "b": rng.integers(-9, 9, (4,)),
        "none": np.empty((0, 2), np.int64),
    }
    with (tmp_path / "file").open("w+b") as file:
        stream = TensorStream(file)
        stream.begin("a", (3, 2))
        for row in arrays["a"]:
            stream.add(row[None])
        stream.put_text("text", "seven b")
        stream.put("b", arrays["b"])
        stream.put("none", arrays["none"])
        stream.finish()
    found, metadata = read_tensors(tmp_path / "file")
    assert metadata == {}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].numpy()[: len(array)] == array).all()
    assert digest_of_arrays({name: tensor.numpy() for name, tensor in found.items()}, {})


def test_images_that_would_fill_the_disk_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: type("Usage", (), {"free": 16 * 48 - 1}))
    settings = DataSettings(source=str(folder_of(tmp_path / "one", 0)), cache=str(tmp_path / "cache"))
    with pytest.raises(DiskFullError, match=r"need 768 bytes, and 767 are free; name another cache"):
        load(settings)
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_a_killed_process_left_is_taken_away_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys; from connprune.data.scratch import under_way\n"
        "with under_way(pathlib.Path(sys.argv[1])): os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=PATIENCE)
    assert len(list(tmp_path.iterdir())) == 1
    with under_way(tmp_path) as file:
        assert list(tmp_path.iterdir()) == [Path(file.name).parent]
        with under_way(tmp_path):
            assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_decoding_and_says_what_is_kept(tmp_path: Path, number: signal.Signals) -> None:
    settings = DataSettings(source=str(folder_of(tmp_path / "one", 0)), cache=str(tmp_path / "cache"))

    def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
        for place, item in enumerate(items):
            if place == 3:
                signal.raise_signal(number)
            yield item

    message = "while decoding 12 images of train; nothing of that was kept"
    with pytest.raises(InterruptedRunError, match=message) as caught, Stop() as stop:
        load(settings, stoppable(track, stop))
    assert caught.value.exit_code == 128 + number
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_command_that_is_ended_while_it_decodes_says_so(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "one", 0)
    large = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), dtype=np.uint8)
    for index in range(100):
        path = folder / "train" / "c0" / f"large-{index}.png"
        if index:
            path.hardlink_to(folder / "train" / "c0" / "large-0.png")
        else:
            Image.fromarray(large).save(path, compress_level=1)
    command = [sys.executable, "-m", "connprune", "train", "--preset", "digits", "--data", str(folder)]
    process = subprocess.Popen(
        [*command, "--set", "data.size=[8, 8]", "--device", "cpu"],
        cwd=tmp_path,
        env={**os.environ, "CONNPRUNE_CACHE": str(tmp_path / "cache")},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE
    assert process.stderr is not None
    while "decoding" not in process.stderr.readline():
        assert time.monotonic() < deadline
    process.terminate()
    rest = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 128 + signal.SIGTERM, rest
    assert "Interrupted while decoding 112 images of train; nothing of that was kept." in rest
    assert list((tmp_path / "cache").iterdir()) == []
