"""What counts as an image, a class and a part; and how images are split."""

import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features

from connprune.data.images import Dataset, Images
from connprune.data.random import stream
from connprune.data.settings import DataSettings
from connprune.data.sources import load
from connprune.data.splits import class_counts, shares, split
from connprune.errors import UsageError

Loads = Callable[..., Dataset]


@pytest.fixture
def loaded(tmp_path: Path) -> Loads:
    def make(folder: Path, **keys: object) -> Dataset:
        return load(DataSettings(source=str(folder), cache=str(tmp_path / "cache"), **keys))

    return make


def same(one: Images, other: Images) -> bool:
    return torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)


def made(folder: Path, counts: dict[str, int]) -> Path:
    """A folder of classes with this many images each, all different."""
    values = iter(range(10**6))
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((2, 2), next(values) % 251, np.uint8)
            pixels[0] = [7 * number % 256, 255 - number % 256]
            Image.fromarray(pixels).save(folder / name / f"{number:03}.png")
    return folder


@pytest.mark.parametrize(
    "name", [".ipynb_checkpoints", "@eaDir", "__MACOSX", ".thumbnails", "$RECYCLE.BIN", "__pycache__"]
)
def test_hidden_and_system_folders_are_skipped_at_every_depth(digits_folder: Path, loaded: Loads, name: str) -> None:
    plain = loaded(digits_folder)
    for place in ("", "train", "test", "train/3", "train/3/deeper", "test/7"):
        hidden = digits_folder / place / name
        hidden.mkdir(parents=True)
        shutil.copy(digits_folder / "train" / "0" / "000.png", hidden / "000-checkpoint.png")
    (digits_folder / "train" / "3" / "Thumbs.db").write_bytes(b"a system's own")
    assert loaded(digits_folder).digest == plain.digest
    assert loaded(digits_folder).notes == ()


def test_what_is_left_out_is_said_in_one_line(digits_folder: Path, loaded: Loads) -> None:
    for name in ("train/1/a.heif", "test/1/b.HEIF", "train/2/notes.txt", "train/2/none"):
        (digits_folder / name).write_text("no image")
    assert loaded(digits_folder).notes == ("left out: 4 files (no suffix, .heif, .txt).",)


@pytest.mark.parametrize(
    ("suffix", "format_"),
    [
        *[(".jfif", "JPEG"), (".jpe", "JPEG"), (".pnm", "PPM"), (".pbm", "PPM"), (".jp2", "JPEG2000"), (".tga", "TGA")],
        *[(".JPG", "JPEG"), (".apng", "PNG"), (".dib", "DIB"), (".pcx", "PCX"), (".ico", "ICO"), (".avif", "AVIF")],
    ],
)
def test_every_suffix_that_pillow_decodes(digits_folder: Path, loaded: Loads, suffix: str, format_: str) -> None:
    if format_ == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    mode = "1" if suffix == ".pbm" else "RGB"
    sizes = {"sizes": [(8, 8)]} if format_ == "ICO" else {}
    Image.new(mode, (8, 8)).save(digits_folder / "train" / "0" / f"new{suffix}", format_, **sizes)
    assert len(loaded(digits_folder).train) == 61


@pytest.mark.parametrize("suffix", [".eps", ".pdf", ".wmf", ".h5", ".fits"])
def test_what_other_programs_would_open_is_left_out(digits_folder: Path, loaded: Loads, suffix: str) -> None:
    (digits_folder / "train" / "0" / f"new{suffix}").write_text("x")
    assert loaded(digits_folder).notes == (f"left out: 1 file ({suffix}).",)


@pytest.fixture
def accented(tmp_path: Path) -> Path:
    """A class whose name has an accent, composed in train/ and decomposed in test/, as a Mac's archives have it."""
    for part, name in (("train", "caf\u00e9"), ("test", "cafe\u0301")):
        made(tmp_path / "accented" / part, {name: 2, "tea": 2})
    return tmp_path / "accented"


def test_names_of_classes_match_whatever_their_unicode_form(accented: Path, loaded: Loads) -> None:
    assert loaded(accented).classes == ("café", "tea")
    made(accented / "train", {"cafe\u0301": 1})
    with pytest.raises(UsageError, match="two class folders 'café', whose names differ only in their Unicode form"):
        loaded(accented)


def test_the_unicode_form_of_names_does_not_change_the_order_of_images(tmp_path: Path, loaded: Loads) -> None:
    """Decomposed, é begins with an e and comes before f; composed it comes after z."""
    digests = set()
    for form in ("NFC", "NFD"):
        folder = made(tmp_path / form, {"caf\u00e9": 2, "cafz": 2})
        for place in sorted(folder.iterdir()):
            (place / "000.png").rename(place / "z.png")
            (place / "001.png").rename(place / f"{unicodedata.normalize(form, 'é')}.png")
            place.rename(folder / unicodedata.normalize(form, place.name))
        digests.add(loaded(folder).digest)
    assert len(digests) == 1


def test_names_that_differ_by_case_are_named(tmp_path: Path, loaded: Loads) -> None:
    folder = tmp_path / "cased"
    made(folder / "train", {"Cat": 2, "dog": 2})
    made(folder / "test", {"cat": 2, "dog": 2})
    with pytest.raises(UsageError, match=r"'Cat' in only one of train/ and test/; 'cat' in the other differs .* case"):
        loaded(folder)
    for part, name in (("test", "Cat"), ("train", "cat")):
        made(folder / part, {name: 2})
    assert "the classes 'Cat' and 'cat' differ only in case or Unicode form." in loaded(folder).notes


@pytest.mark.skipif(os.name != "posix", reason="names are bytes there")
def test_a_class_whose_name_is_no_unicode(digits_folder: Path, loaded: Loads) -> None:
    for part in ("train", "test"):
        (digits_folder / part / "0").rename(digits_folder / part / os.fsdecode(b"caf\xe9"))
    classes = loaded(digits_folder).classes
    assert r"caf\xe9" in classes
    assert "".join(classes).encode()


def test_val_is_what_a_training_steers_by(digits_folder: Path, loaded: Loads) -> None:
    plain = loaded(digits_folder)
    for name in ("val", "valid", "validation"):
        shutil.copytree(digits_folder / "test", digits_folder / name)
        dataset = loaded(digits_folder, validation=0.3)
        splits = split(dataset, DataSettings(source=str(digits_folder), validation=0.3))
        assert same(splits.validation, plain.test)
        assert same(splits.test, plain.test)
        assert len(splits.train) == 60
        assert "data.validation is not used: the folder has val/." in splits.notes
        assert dataset.digest != plain.digest
        shutil.rmtree(digits_folder / name)
    for name in ("val", "valid"):
        shutil.copytree(digits_folder / "test", digits_folder / name)
    with pytest.raises(UsageError, match="has val/ and valid/; expected one"):
        loaded(digits_folder)


@pytest.mark.parametrize("flat", [False, True])
def test_without_a_test_part_a_share_of_each_class_is_held_out(digits_folder: Path, loaded: Loads, flat: bool) -> None:
    shutil.rmtree(digits_folder / "test")
    folder = digits_folder / "train" if flat else digits_folder
    settings = DataSettings(source=str(folder), split_seed=3)
    splits = split(loaded(folder), settings)
    counts = [class_counts(part, 10) for part in (splits.train, splits.validation, splits.test)]
    assert [sum(count) for count in counts] == [43, 5, 12]
    assert np.sum(counts, 0).tolist() == [6] * 10
    assert set(counts[2]) == {1, 2}
    assert "the folder has no test/: 12 of its 60 training images are held out to test with (data.test: 0.2)" in str(
        splits.notes
    )
    again, other = (split(loaded(folder), settings.model_copy(update={"split_seed": seed})) for seed in (3, 4))
    assert same(splits.test, again.test)
    assert not same(splits.test, other.test)
    halves = split(loaded(folder), settings.model_copy(update={"test": 0.5}))
    assert class_counts(halves.test, 10) == [3] * 10


def test_a_flat_folder_and_train_alone_are_the_same_images(digits_folder: Path, loaded: Loads) -> None:
    shutil.rmtree(digits_folder / "test")
    assert loaded(digits_folder).digest == loaded(digits_folder / "train").digest


def test_parts_by_another_name_are_no_classes(digits_folder: Path, loaded: Loads) -> None:
    (digits_folder / "train").rename(digits_folder / "training")
    (digits_folder / "test").rename(digits_folder / "testing")
    with pytest.raises(UsageError, match="has no folder train/, and 'testing' is hardly a class"):
        loaded(digits_folder)


def test_a_class_of_one_image_stays_in_training(tmp_path: Path, loaded: Loads) -> None:
    folder = made(tmp_path / "rare", {"common": 40, "rare": 1, "some": 20})
    dataset = loaded(folder)
    for seed in range(20):
        splits = split(dataset, DataSettings(source=str(folder), split_seed=seed))
        assert class_counts(splits.train, 3)[1] == 1
    assert "no image to validate with: rare." in splits.notes
    assert "no image to test with: rare." in splits.notes


def test_imbalance_is_noted_with_what_the_largest_class_alone_would_score(tmp_path: Path, loaded: Loads) -> None:
    folder = made(tmp_path / "uneven", {"few": 5, "many": 95})
    (note,) = (
        note for note in split(loaded(folder), DataSettings(source=str(folder))).notes if "differ in size" in note
    )
    assert "to answer many always gets 95.00% of the test images right" in note


def test_classes_of_one_image_each_leave_nothing_to_hold_out(tmp_path: Path, loaded: Loads) -> None:
    folder = made(tmp_path / "ones", {"a": 1, "b": 1})
    with pytest.raises(UsageError, match=r"data.validation: no image can be held out"):
        split(loaded(folder), DataSettings(source=str(folder)))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(sum), st.data())
def test_shares_are_the_nearest_whole_numbers(counts: list[int], data: st.DataObject) -> None:
    wanted = data.draw(st.integers(0, sum(counts)))
    keep = data.draw(st.integers(0, 1))
    found = shares(counts, wanted, keep)
    assert sum(found) == min(wanted, sum(max(0, count - keep) for count in counts))
    assert all(0 <= share <= max(0, count - keep) for share, count in zip(found, counts, strict=True))
    if not keep:
        assert all(abs(share - count * wanted / sum(counts)) < 1 for share, count in zip(found, counts, strict=True))


def test_the_named_data_sets_keep_the_split_that_results_were_published_with() -> None:
    dataset = load(DataSettings(source="digits"))
    splits = split(dataset, DataSettings(source="digits", split_seed=1337))
    assert splits.notes == ()
    count = len(dataset.train)
    order = torch.randperm(count, generator=stream(1337, "split"))
    assert same(splits.validation, dataset.train[order[: round(count / 10)]])
    assert same(splits.train, dataset.train[order[round(count / 10) :]])
