"""A folder of images: decoded once, cached, and refused by one sentence when it is not what it must be."""

import os
import shutil
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
from connprune.tensor_files import read_tensors

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
    known = {
        image.numpy().tobytes(): label.item()
        for image, label in zip(original.train.images, original.train.labels, strict=True)
    }
    for image, label in zip(dataset.train.images, dataset.train.labels, strict=True):
        assert known[image.numpy().tobytes()] == label.item()


def test_colour_is_the_default(digits_folder: Path, settings: Loads) -> None:
    images = load(settings(digits_folder)).train.images
    assert images.shape == (60, 3, 8, 8)
    assert images.dtype == torch.uint8
    assert image_shape(settings(digits_folder)) == ((3, 8, 8), 10)


def test_decoding_happens_once(digits_folder: Path, settings: Loads, tmp_path: Path) -> None:
    labels: list[str] = []

    def progress(items, label, total):  # type: ignore[no-untyped-def]
        labels.append(label)
        return items

    chosen = settings(digits_folder)
    first = load(chosen, progress)
    again = load(chosen, progress)
    assert labels == [
        "decoding 60 images of train",
        "decoding 20 images of test",
        "comparing 80 images with the decoded ones",
    ]
    assert torch.equal(first.train.images, again.train.images)
    (digits_folder / "train" / "3" / "new.png").write_bytes((digits_folder / "train" / "3" / "000.png").read_bytes())
    assert len(load(chosen, progress).train) == 61
    assert len(list((tmp_path / "cache").glob("folder-*.safetensors"))) == 2


def test_the_part_of_images_is_named_only_where_there_are_several(digits_folder: Path, settings: Loads) -> None:
    labels: list[str] = []

    def progress(items, label, total):  # type: ignore[no-untyped-def]
        labels.append(label)
        return items

    load(settings(digits_folder / "test"), progress)
    assert labels == ["decoding 20 images"]


def test_a_damaged_cache_is_made_anew(digits_folder: Path, settings: Loads, tmp_path: Path) -> None:
    first = load(settings(digits_folder))
    (cached,) = (tmp_path / "cache").glob("folder-*.safetensors")
    whole = cached.read_bytes()
    for damage in (whole[:1000], whole.replace(b"train.images", b"train.xmages"), whole.replace(b"[]", b"[["), b""):
        cached.unlink()
        cached.write_bytes(damage)
        assert load(settings(digits_folder)).digest == first.digest
        assert read_tensors(cached)[0].keys() == {
            *("train.images", "train.labels", "test.images", "test.labels", "notes")
        }


def test_damaged_images_are_named_and_counted(digits_folder: Path, settings: Loads) -> None:
    for name in ("000.png", "001.png"):
        path = digits_folder / "train" / "5" / name
        path.write_bytes(path.read_bytes()[:40])
    (digits_folder / "test" / "2" / "zzz.jpg").write_text("no image")
    with pytest.raises(UsageError, match=r"3 images in .* cannot be read") as caught:
        load(settings(digits_folder))
    for part in ("train/5/000.png", "train/5/001.png", "test/2/zzz.jpg", "data.skip_damaged=true"):
        assert part in str(caught.value)
    dataset = load(settings(digits_folder, skip_damaged=True))
    assert (len(dataset.train), len(dataset.test), len(dataset.damaged)) == (58, 20, 3)
    assert load(settings(digits_folder, skip_damaged=True)).damaged == dataset.damaged


def test_sizes_that_differ_are_told_with_the_remedy(digits_folder: Path, settings: Loads) -> None:
    Image.new("RGB", (12, 9)).save(digits_folder / "train" / "7" / "odd.png")
    with pytest.raises(UsageError, match=r"8×8 .* but train/7/odd.png is 9×12; .*data.size=\[8, 8\]"):
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


@pytest.mark.parametrize("follow", [False, True])
def test_a_link_to_a_folder_is_not_followed_and_said(digits_folder: Path, settings: Loads, follow: bool) -> None:
    (digits_folder / "train" / "3" / "linked").symlink_to(digits_folder / "train" / "4")
    found = load(settings(digits_folder, follow_links=follow))
    assert len(found.train) == 60
    assert found.notes == ("left out: 1 link to folders within a class.",)
    (digits_folder / "train" / "3" / "a.heif").touch()
    (digits_folder / "test" / "4" / "other").symlink_to(digits_folder / "train")
    noted = load(settings(digits_folder, follow_links=follow)).notes
    assert noted == ("left out: 1 file (.heif) and 2 links to folders within a class.",)


@pytest.mark.parametrize("place", ["train", "train/3", "train/3/linked.png"])
def test_a_link_that_leads_out_of_the_folder_is_refused(
    digits_folder: Path, settings: Loads, tmp_path: Path, place: str
) -> None:
    moved, link = tmp_path / "elsewhere", digits_folder / place
    if link.exists():
        shutil.move(link, moved)
    else:
        Image.new("RGB", (8, 8)).save(moved, "png")
    link.symlink_to(moved)
    with pytest.raises(
        UsageError, match=rf"{place} is a link that leads out of the folder, to {moved}; .*follow_links"
    ):
        image_shape(settings(digits_folder))
    with pytest.raises(UsageError, match="leads out of the folder"):
        load(settings(digits_folder))
    followed = load(settings(digits_folder, follow_links=True))
    assert len(followed.train) == (61 if place.endswith("png") else 60)


def test_links_within_the_folder_are_taken(digits_folder: Path, settings: Loads, tmp_path: Path) -> None:
    (digits_folder / "train" / "3" / "linked.png").symlink_to(digits_folder / "train" / "3" / "000.png")
    (tmp_path / "linked").symlink_to(digits_folder)
    assert len(load(settings(tmp_path / "linked")).train) == 61


def test_links_that_lead_nowhere_are_damaged_images(digits_folder: Path, settings: Loads) -> None:
    (digits_folder / "train" / "3" / "gone.png").symlink_to("none.png")
    (digits_folder / "train" / "3" / "round.png").symlink_to("round.png")
    with pytest.raises(UsageError, match=r"2 images .*gone.png \(it is no file\); train/3/round.png \(it is no file\)"):
        load(settings(digits_folder))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(digits_folder: Path, settings: Loads) -> None:
    os.mkfifo(digits_folder / "train" / "0" / "000-pipe.png")
    (digits_folder / "test" / "0" / "device.png").symlink_to("/dev/zero")
    with pytest.raises(
        UsageError, match=r"2 images .*/000-pipe.png \(it is no file\); .*/device.png \(it is no file\)"
    ):
        load(settings(digits_folder, follow_links=True))


def test_postscript_is_no_image(digits_folder: Path, settings: Loads) -> None:
    """Pillow would start Ghostscript for it, whatever the file is called."""
    script = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    (digits_folder / "train" / "0" / "script.png").write_text(script)
    with Image.open(digits_folder / "train" / "0" / "script.png") as image:
        assert image.format == "EPS"
    with pytest.raises(UsageError, match=r"1 images .* train/0/script.png \(cannot identify"):
        load(settings(digits_folder))


def test_bombs_are_refused_in_every_thread(digits_folder: Path, settings: Loads) -> None:
    """Between Pillow's limit and twice that it only warns."""
    bomb = digits_folder / "train" / "0" / "bomb-0.png"
    Image.new("1", (10_000, 10_000)).save(bomb)
    for number in range(1, 20):
        shutil.copy(bomb, bomb.with_name(f"bomb-{number}.png"))
    with pytest.raises(UsageError, match=r"20 images .* train/0/bomb-0.png \(Image size \(100000000 pixels\) exceeds"):
        load(settings(digits_folder))


def test_more_than_fits_in_memory_stays_on_the_disk(
    digits_folder: Path, settings: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for sequences, which are made of images in the memory."""
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 80 * 192 - 1}.__getitem__)
    with pytest.raises(UsageError, match=r"80 images of 8×8 \(height × width\) as sequences take 0.0 GB.*data.size"):
        load(settings(digits_folder, as_sequence=True))
    assert len(load(settings(digits_folder)).train) == 60
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 80 * 192}.__getitem__)
    assert len(load(settings(digits_folder, as_sequence=True)).train) == 60


@pytest.mark.skipif(os.name != "posix", reason="names are bytes there")
def test_names_that_are_no_unicode(digits_folder: Path, settings: Loads) -> None:
    folder = digits_folder / "train" / "0"
    shutil.copy(folder / "000.png", folder / os.fsdecode(b"\xff.png"))
    assert len(load(settings(digits_folder)).train) == 61


def test_folders_that_are_none(digits_folder: Path, settings: Loads, tmp_path: Path) -> None:
    def refusal(folder: Path) -> str:
        with pytest.raises(UsageError) as caught:
            load(settings(folder))
        return str(caught.value)

    for none in ("none", "long/" * 1000, "~nobody-has-this-name"):
        assert "svhn, stl10, or an existing folder of images, an .npz file, a folder of .npy files" in refusal(
            tmp_path / none
        )
    assert "there is no such home folder" in refusal(Path("~nobody-has-this-name"))
    shutil.copytree(digits_folder / "test", tmp_path / "odd" / "test")
    assert "has test/, but no folder train/" in refusal(tmp_path / "odd")
    assert "has 0 class folders; expected <class>/<image>" in refusal(digits_folder / "train" / "0")
    (digits_folder / "train" / "extra").mkdir()
    assert "extra holds no images" in refusal(digits_folder)
    Image.new("RGB", (8, 8)).save(digits_folder / "train" / "extra" / "a.png")
    assert "has the class 'extra' in only one of train/ and test/" in refusal(digits_folder)
    lonely = tmp_path / "lonely"
    (lonely / "train" / "only").mkdir(parents=True)
    assert "has 1 class folders, expected at least 2" in refusal(lonely)
