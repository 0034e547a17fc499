"""A folder of images: decoded once, cached, and refused by one sentence when it is not what it must be."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from connprune.data.settings import DataSettings
from connprune.data.shape import image_shape
from connprune.data.sources import load
from connprune.errors import UsageError

Loads = Callable[..., DataSettings]


@pytest.fixture
def settings(tmp_path: Path) -> Loads:
    def make(folder: Path, **keys: object) -> DataSettings:
        return DataSettings(source=str(folder), cache=str(tmp_path / "cache"), **keys)

    return make


def test_images_arrive_as_they_are(digits_folder: Path, settings: Loads) -> None:
    dataset = load(settings(digits_folder, channels=1))
    original = load(DataSettings(source="digits"))
    assert dataset.classes == tuple("0123456789")
    assert len(dataset.train) == 60
    assert len(dataset.test) == 20
    known = {image.numpy().tobytes(): label.item() for image, label in zip(*vars(original.train).values(), strict=True)}
    for image, label in zip(dataset.train.images, dataset.train.labels, strict=True):
        assert known[image.numpy().tobytes()] == label.item()


def test_colour_is_the_default(digits_folder: Path, settings: Loads) -> None:
    images = load(settings(digits_folder)).train.images
    assert images.shape == (60, 3, 8, 8)
    assert images.dtype == torch.uint8
    assert image_shape(settings(digits_folder)) == ((3, 8, 8), 10)


def test_decoding_happens_once(digits_folder: Path, settings: Loads, tmp_path: Path) -> None:
    labels: list[str] = []

    def track(items, label, total):  # type: ignore[no-untyped-def]
        labels.append(label)
        return items

    chosen = settings(digits_folder)
    first = load(chosen, track)
    again = load(chosen, track)
    assert labels == ["decoding 60 images of train", "decoding 20 images of test"]
    assert torch.equal(first.train.images, again.train.images)
    (digits_folder / "train" / "3" / "new.png").write_bytes((digits_folder / "train" / "3" / "000.png").read_bytes())
    assert len(load(chosen, track).train) == 61
    assert len(list((tmp_path / "cache").glob("folder-*.safetensors"))) == 2


def test_damaged_images_are_named_and_counted(digits_folder: Path, settings: Loads) -> None:
    for name in ("000.png", "001.png"):
        path = digits_folder / "train" / "5" / name
        path.write_bytes(path.read_bytes()[:40])
    (digits_folder / "test" / "2" / "zzz.jpg").write_text("no image")
    with pytest.raises(UsageError, match=r"3 images in .* cannot be read") as caught:
        load(settings(digits_folder))
    for part in ("train/5/000.png", "train/5/001.png", "test/2/zzz.jpg", "--set data.skip_damaged=true"):
        assert part in str(caught.value)
    dataset = load(settings(digits_folder, skip_damaged=True))
    assert (len(dataset.train), len(dataset.test), len(dataset.damaged)) == (58, 20, 3)
    assert load(settings(digits_folder, skip_damaged=True)).damaged == dataset.damaged


def test_sizes_that_differ_are_told_with_the_remedy(digits_folder: Path, settings: Loads) -> None:
    Image.new("RGB", (12, 9)).save(digits_folder / "train" / "7" / "odd.png")
    with pytest.raises(UsageError, match=r"8×8 .* but train/7/odd.png is 9×12; .*--set data.size='\[8, 8\]'"):
        load(settings(digits_folder))
    assert load(settings(digits_folder, size=(8, 8))).train.images.shape == (61, 3, 8, 8)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16", "LA"])
def test_every_colour_mode_becomes_rgb(digits_folder: Path, settings: Loads, mode: str) -> None:
    suffix = "tiff" if mode == "CMYK" else "png"
    Image.new(mode, (8, 8)).save(digits_folder / "train" / "7" / f"odd.{suffix}")
    assert load(settings(digits_folder)).train.images.shape == (61, 3, 8, 8)


def test_sixteen_bits_are_scaled_not_clipped(digits_folder: Path, settings: Loads) -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(digits_folder / "train" / "0" / "000.png")
    image = load(settings(digits_folder, channels=1)).train.images[0, 0].numpy()
    assert (image == ramp // 257).all()


def test_pixels_of_32_bits_are_refused(digits_folder: Path, settings: Loads) -> None:
    Image.new("F", (8, 8)).save(digits_folder / "train" / "0" / "float.tiff")
    with pytest.raises(UsageError, match=r"train/0/float.tiff \(its pixels have 32 bits"):
        load(settings(digits_folder))


def test_an_image_too_large_to_be_one_is_damaged(digits_folder: Path, settings: Loads) -> None:
    """A decompression bomb: a few kilobytes that claim 400 million pixels."""
    Image.new("1", (20_000, 20_000)).save(digits_folder / "train" / "0" / "bomb.png")
    with pytest.raises(UsageError, match=r"1 images .* train/0/bomb.png"):
        load(settings(digits_folder))


def test_hidden_files_are_no_images(digits_folder: Path, settings: Loads) -> None:
    (digits_folder / "train" / "0" / "._000.png").write_text("a trace of another system")
    assert len(load(settings(digits_folder)).train) == 60


def test_a_link_to_a_folder_is_not_followed(digits_folder: Path, settings: Loads) -> None:
    (digits_folder / "train" / "3" / "linked").symlink_to(digits_folder / "train" / "4")
    assert len(load(settings(digits_folder)).train) == 60


def test_folders_that_are_none(digits_folder: Path, settings: Loads, tmp_path: Path) -> None:
    def refusal(folder: Path) -> str:
        with pytest.raises(UsageError) as caught:
            load(settings(folder))
        return str(caught.value)

    assert "expected one of digits, cifar10, cifar100, or an existing folder" in refusal(tmp_path / "none")
    assert "has no folder train/" in refusal(digits_folder / "train")
    (digits_folder / "train" / "extra").mkdir()
    assert "extra holds no images" in refusal(digits_folder)
    Image.new("RGB", (8, 8)).save(digits_folder / "train" / "extra" / "a.png")
    assert "has the class 'extra' in only one of train/ and test/" in refusal(digits_folder)
    lonely = tmp_path / "lonely"
    (lonely / "train" / "only").mkdir(parents=True)
    assert "has 1 class folders, expected at least 2" in refusal(lonely)
