"""Arrays of images, of sequences and of labels: taken as they are, or refused by one sentence that names the array."""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from connprune.architecture.base import Shape
from connprune.data.images import Dataset, normalisation
from connprune.data.layouts import layout_of
from connprune.data.settings import DataSettings, Normalise
from connprune.data.shape import image_shape
from connprune.data.sources import load
from connprune.data.splits import split
from connprune.errors import UsageError

Arrays = dict[str, np.ndarray]
Write = Callable[[Path, Mapping[str, np.ndarray]], Path]
GENERATOR = np.random.default_rng(0)


def pixels(count: int, *shape: int) -> np.ndarray:
    return GENERATOR.integers(0, 256, (count, *shape), dtype=np.uint8)


def in_npz(folder: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    np.savez_compressed(folder / "data.npz", **arrays)  # type: ignore[arg-type]
    return folder / "data.npz"


def in_npy(folder: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    (folder / "arrays").mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / "arrays" / f"{name}.npy", array)
    return folder / "arrays"


def in_safetensors(folder: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    classes = {"classes": json.dumps(arrays["classes"].tolist())} if "classes" in arrays else None
    numbers = {name: np.array(array, order="C") for name, array in arrays.items() if name != "classes"}
    save_file(numbers, folder / "data.safetensors", classes)
    return folder / "data.safetensors"


EVERY = pytest.mark.parametrize("write", [in_npz, in_npy, in_safetensors])


def loaded(path: Path, **keys: object) -> Dataset:
    settings = DataSettings(source=str(path), cache=str(path.parent / "cache"), **keys)
    dataset = load(settings)
    assert image_shape(settings) == (dataset.shape, len(dataset.classes))
    return dataset


def refusal(path: Path, **keys: object) -> str:
    """The sentence, which is the same before and while the images are loaded."""
    settings = DataSettings(source=str(path), cache=str(path.parent / "cache"), **keys)
    with pytest.raises(UsageError) as loading:
        load(settings)
    (mistake,) = loading.value.mistakes
    assert not [entry for entry in path.parent.glob("cache/*") if entry.name != ".gitignore"]
    return mistake.message


@EVERY
def test_pixels_and_names_come_as_they_are(tmp_path: Path, write: Write) -> None:
    arrays = {"images": pixels(9, 5, 4), "labels": np.arange(9) % 3, "classes": np.array(["a", "b", "c"])}
    arrays |= {"test_images": pixels(3, 5, 4), "test_labels": np.array([2, 0, 1], np.int8)}
    dataset = loaded(write(tmp_path, arrays))
    assert dataset.classes == ("a", "b", "c")
    assert dataset.train.images.dtype == torch.uint8
    assert np.array_equal(dataset.train.images[:, 0], arrays["images"])
    assert np.array_equal(dataset.test.images[:, 0], arrays["test_images"])
    assert dataset.train.labels.tolist() == arrays["labels"].tolist()
    assert dataset.test.labels.tolist() == [2, 0, 1]
    assert not len(dataset.validation)


@EVERY
def test_a_file_of_the_folder_stands_for_the_folder(tmp_path: Path, write: Write) -> None:
    """And whatever the kind of file, equal arrays are the same data set."""
    arrays = {"images": pixels(9, 5, 4), "labels": np.arange(9) % 3}
    path = write(tmp_path, arrays)
    other = in_npy(tmp_path, arrays) / "images.npy"
    assert loaded(path).digest == loaded(other).digest


@given(
    st.sampled_from(["uint8", "uint16", ">u2", "float16", "float32", ">f4", "float64", ">f8"]),
    st.sampled_from(["none", "first", "last"]),
    st.booleans(),
    st.booleans(),
)
def test_every_type_order_and_layout_gives_the_same_numbers(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, axes: str, fortran: bool, as_sequence: bool
) -> None:
    """Against indexing by hand."""
    folder = tmp_path_factory.mktemp("arrays")
    plain = GENERATOR.integers(0, 200, (6, 3, 7, 5)).astype(dtype)
    if axes == "none":
        plain = plain[:, :1]
    stored = {"none": plain[:, 0], "first": plain, "last": np.moveaxis(plain, 1, -1)}[axes]
    stored = np.asfortranarray(stored) if fortran else np.ascontiguousarray(stored)
    dataset = loaded(in_npz(folder, {"images": stored, "labels": np.arange(6) % 2}), as_sequence=as_sequence)
    images = dataset.train.images
    assert images.dtype == (torch.uint8 if dtype == "uint8" else torch.float32)
    assert any(f"taken as ({'count, steps' if as_sequence and axes == 'none' else 'count'}" in n for n in dataset.notes)
    maps = plain.shape[1]
    for image, channel, row, column in [(0, 0, 0, 0), (5, maps - 1, 6, 4), (2, maps // 2, 3, 1)]:
        value = float(plain[image, channel, row, column])
        if as_sequence:
            assert float(images[image, channel * 5 + column, 0, row]) == value
        else:
            assert float(images[image, channel, row, column]) == value


@pytest.mark.parametrize(
    ("shape", "axes", "image"),
    [
        ((9, 32, 32, 3), "last", (3, 32, 32)),
        ((9, 3, 32, 32), "first", (3, 32, 32)),
        ((9, 1, 2, 8), "first", (1, 2, 8)),
        ((9, 8, 2, 1), "last", (1, 8, 2)),
        ((9, 64, 60, 13), "last", (13, 64, 60)),
        ((9, 13, 64, 60), "first", (13, 64, 60)),
        ((9, 28, 28), "none", (1, 28, 28)),
    ],
)
def test_where_the_channels_are(shape: tuple[int, ...], axes: str, image: tuple[int, int, int]) -> None:
    found = layout_of("images", shape, as_sequence=False)
    assert (found.axes, found.shape) == (axes, Shape(*image))


@pytest.mark.parametrize(("order", "image"), [("channels-first", (32, 6, 5)), ("channels-last", (5, 32, 6))])
def test_where_the_channels_are_is_guessed_unless_it_is_said(
    order: str, image: tuple[int, ...], tmp_path: Path
) -> None:
    images = GENERATOR.integers(0, 256, (8, 32, 6, 5)).astype(np.uint8)
    file = in_npz(tmp_path, {"images": images, "labels": np.arange(8) % 2})
    guessed, said = loaded(file), loaded(file, layout=order)
    assert tuple(said.shape) == image
    expected = images if order == "channels-first" else images.transpose(0, 3, 1, 2)
    assert np.array_equal(said.train.images, expected)
    assert ", a guess" not in said.notes[0]
    assert guessed.notes[0].endswith(
        "(count, height, width, channels), a guess; data.layout=channels-first takes the other end for the channels."
    )
    assert guessed.shape == Shape(5, 32, 6)


@pytest.mark.parametrize("source", ["digits", "folder", "three.npz"])
def test_an_order_of_channels_belongs_to_arrays_of_four_axes(source: str, tmp_path: Path) -> None:
    (tmp_path / "folder" / "class").mkdir(parents=True)
    np.savez(tmp_path / "three.npz", images=np.zeros((4, 3, 3), np.uint8), labels=np.arange(4) % 2)
    with pytest.raises((UsageError, ValueError), match="layout"):
        loaded(Path("digits") if source == "digits" else tmp_path / source, layout="channels-last")


def test_values_of_a_measurement_keep_their_precision(tmp_path: Path) -> None:
    """None becomes one of 256: sixteen bits are exact, and of float64 there is what float32 can say."""
    deep = np.arange(6 * 4 * 4, dtype=np.uint16).reshape(6, 4, 4) * 600
    fine = GENERATOR.normal(size=(6, 4, 4))
    for name, images in (("deep", deep), ("fine", fine)):
        (tmp_path / name).mkdir()
        found = loaded(in_npz(tmp_path / name, {"images": images, "labels": np.arange(6) % 2}))
        assert np.array_equal(found.train.images[:, 0], images.astype(np.float32))


def test_a_channel_is_divided_by_its_own_standard_deviation(tmp_path: Path) -> None:
    series = GENERATOR.normal(size=(50, 20, 3)) * np.array([1.0, 1e3, 1e-3]) + np.array([5.0, 0.0, 1.0])
    series[..., 2] = 7
    dataset = loaded(in_npz(tmp_path, {"images": series, "labels": np.arange(50) % 2}), as_sequence=True)
    mean, divisor = normalisation(dataset.train, Normalise(subtract="channel-mean"))
    assert divisor.flatten().tolist() == pytest.approx([*series[..., :2].std((0, 1)), 1.0], rel=1e-4)
    read = (dataset.train.images - mean) / divisor
    assert read.std((0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 0], abs=1e-3)
    assert any("of one single value in all training images: channel 2" in note for note in dataset.notes)
    _, of_pixels = normalisation(
        loaded(in_npy(tmp_path, {"images": pixels(4, 3, 3), "labels": np.arange(4) % 2})).train, Normalise()
    )
    assert of_pixels.item() == 128


def test_a_divisor_out_of_proportion_is_told(tmp_path: Path) -> None:
    path = in_npz(tmp_path, {"images": GENERATOR.normal(size=(6, 4, 4)), "labels": np.arange(6) % 2})
    (told,) = [note for note in loaded(path, normalise=Normalise(divide=128)).notes if "divide" in note]
    assert "data.normalise.divide is 128, but the standard deviation" in told
    (told,) = [note for note in loaded(path).notes if "divide" in note]
    assert "divided by the standard deviation of each channel" in told
    assert not [note for note in loaded(path, normalise=Normalise(divide=1)).notes if "divide" in note]


def test_a_split_leaves_the_images_where_they_are(tmp_path: Path) -> None:
    """Copied or not, the images of each part are the same."""
    arrays = {"images": pixels(40, 4, 4), "labels": np.arange(40) % 4}
    settings = DataSettings(source=str(in_npz(tmp_path, arrays)), cache=str(tmp_path / "cache"), split_seed=3)
    dataset = load(settings)
    parts = split(dataset, settings)
    told = {image.tobytes(): label for image, label in zip(arrays["images"], arrays["labels"], strict=True)}
    seen = 0
    for part in (parts.train, parts.validation, parts.test):
        assert part.images.data_ptr() == dataset.train.images.data_ptr()
        for images, labels in part.in_order(7):
            for image, label in zip(images, labels, strict=True):
                assert told[image.numpy().tobytes()] == label
                seen += 1
    assert seen == 40
    assert sum(part.nbytes for part in (parts.train, parts.validation, parts.test)) == 40 * (16 + 8)


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        (np.array([3, 7, 3, 7, 9]), ("3", "7", "9"), [0, 1, 0, 1, 2]),
        (np.array([[1], [2], [1], [2], [1]]), ("1", "2"), [0, 1, 0, 1, 0]),
        (np.array([0.0, 1.0, 1.0, 0.0, 1.0]), ("0", "1"), [0, 1, 1, 0, 1]),
        (np.array([True, False, True, False, True]), ("0", "1"), [1, 0, 1, 0, 1]),
        (np.array([-1, 1, -1, 1, -1], ">i2"), ("-1", "1"), [0, 1, 0, 1, 0]),
        (np.array(["dog", "cat", "dog", "cat", "dog"]), ("cat", "dog"), [1, 0, 1, 0, 1]),
        (np.array([b"dog", b"cat", b"dog", b"cat", b"dog"]), ("cat", "dog"), [1, 0, 1, 0, 1]),
        (np.array(["e\u0301", "o", "\u00e9", "o", "o"]), ("o", "\u00e9"), [1, 0, 1, 0, 0]),
    ],
)
def test_labels_of_any_kind(tmp_path: Path, labels: np.ndarray, classes: tuple[str, ...], numbers: list[int]) -> None:
    dataset = loaded(in_npz(tmp_path, {"images": pixels(5, 3, 3), "labels": labels}))
    assert (dataset.classes, dataset.train.labels.tolist()) == (classes, numbers)
    assert dataset.train.labels.dtype == torch.int64


def test_gaps_among_labels_are_told(tmp_path: Path) -> None:
    dataset = loaded(in_npz(tmp_path, {"images": pixels(6, 3, 3), "labels": np.array([1, 2, 5, 1, 2, 5])}))
    assert dataset.classes == ("1", "2", "5")
    (told,) = [note for note in dataset.notes if "labels" in note]
    assert "3 values from 1 to 5; no image has the label 3, 4" in told


def test_names_that_other_tools_use(tmp_path: Path) -> None:
    """Those of Keras's and of MedMNIST's files."""
    for number, names in enumerate(
        (("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels", "test_images", "test_labels"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        arrays = dict(zip(names, (pixels(6, 3, 3), np.arange(6) % 2, pixels(2, 3, 3), np.arange(2)), strict=True))
        dataset = loaded(in_npz(folder, arrays | {"val_images": pixels(4, 3, 3), "val_labels": np.arange(4) % 2}))
        assert [len(part) for part in (dataset.train, dataset.test, dataset.validation)] == [6, 2, 4]
        assert any(note.startswith("arrays taken") for note in dataset.notes)


def test_what_is_left_out_and_what_is_plain_is_told(tmp_path: Path) -> None:
    images = pixels(5, 3, 3)
    images[3] = 9
    arrays = {"images": images, "labels": np.arange(5) % 2, "weights": np.ones(5), "ids": np.arange(5)}
    notes = loaded(in_npz(tmp_path, arrays)).notes
    assert "left out: the arrays ids, weights." in notes
    assert "1 image has one single value: images[3]." in notes


GOOD: Arrays = {"images": pixels(6, 4, 4), "labels": np.arange(6) % 3}
HOLE = GENERATOR.normal(size=(6, 4, 4))
HOLE[4, 1, 2] = np.nan
HUGE = np.full((6, 4, 4), 1e300)


@EVERY
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"images": None}, ["images: found the arrays labels", "expected one called images, beside labels"]),
        ({"labels": None}, ["labels: found the arrays images", "expected one called labels, beside images"]),
        ({"test_images": pixels(2, 4, 4)}, ["test_labels: found", "expected one called test_labels"]),
        ({"x_train": pixels(6, 4, 4)}, ["images: found images and x_train", "expected one of them"]),
        ({"images": np.array(3.0)}, ["images: found an array of the shape ()", "(count, height, width)"]),
        ({"images": pixels(6)}, ["found an array of the shape (6,)"]),
        ({"images": pixels(6, 16)}, ["found an array of the shape (6, 16)", "give an array of single numbers"]),
        ({"images": pixels(6, 2, 2, 2, 2)}, ["found an array of the shape (6, 2, 2, 2, 2)"]),
        ({"images": pixels(0, 4, 4), "labels": np.arange(0)}, ["found an array of the shape (0, 4, 4)"]),
        ({"images": pixels(6, 0, 4)}, ["found an array of the shape (6, 0, 4)"]),
        ({"images": pixels(6, 4, 4).astype(np.int64)}, ["found values of int64", "uint8, uint16", "astype('uint8')"]),
        ({"images": HOLE}, ["images[4]: found nan", "expected finite numbers"]),
        ({"images": HUGE}, ["images[0]: found 1e+300", "expected finite numbers of float32"]),
        ({"labels": np.arange(5)}, ["labels: found an array of the shape (5,)", "(6,), a label for each image"]),
        ({"labels": np.eye(6, 3)}, ["labels: found an array of the shape (6, 3)", "labels.argmax(1)"]),
        ({"labels": np.array([0, 1, 2, 0, 1, 0.5])}, ["labels: found 0.5 at 5", "whole numbers"]),
        ({"labels": np.array([0, np.nan, 2, 0, 1, 2])}, ["labels: found nan at 1", "whole numbers"]),
        ({"labels": np.zeros(6, int)}, ["labels: found the label 0 alone", "at least 2 classes"]),
        ({"classes": np.array(["a", "b"])}, ["labels: found the label 2", "0 to 1, as there are 2 classes"]),
        ({"classes": np.array(["a", "b", "a"])}, ["classes: found 'a' twice"]),
        ({"classes": np.array(["a"])}, ["classes: found 1 classes"]),
        ({"labels": np.array([0, 1, 2, 0, 1, -1]), "classes": np.array(["a", "b", "c"])}, ["found the label -1"]),
        (
            {"test_images": pixels(2, 4, 4), "test_labels": np.array([0, 9])},
            ["test_labels: found the label 9", "the labels of the training images alone"],
        ),
        (
            {"test_images": pixels(2, 4, 5), "test_labels": np.arange(2)},
            ["test_images: found uint8 of (2, 4, 5)", "(count, 4, 4)"],
        ),
        ({"test_images": HOLE[:2], "test_labels": np.arange(2)}, ["test_images: found float64 of (2, 4, 4)", "uint8"]),
    ],
)
def test_what_is_refused(
    tmp_path: Path, write: Write, changed: Mapping[str, np.ndarray | None], words: list[str]
) -> None:
    arrays = {name: array for name, array in {**GOOD, **changed}.items() if array is not None}
    told = refusal(write(tmp_path, arrays))
    for word in (*words, str(tmp_path)):
        assert word in told
    assert told.count("\n") == 0


def test_labels_that_are_rather_numbers_of_images(tmp_path: Path) -> None:
    told = refusal(in_npz(tmp_path, {"images": pixels(30, 4, 4), "labels": np.arange(30)}))
    assert "found 30 different labels of 30 images" in told


def test_names_of_classes_that_are_none(tmp_path: Path) -> None:
    assert "classes: found an array of int64" in refusal(in_npz(tmp_path, {**GOOD, "classes": np.arange(3)}))


@pytest.mark.parametrize("name", ["images", "labels", "classes"])
@pytest.mark.parametrize("write", [in_npz, in_npy])
def test_no_pickle_is_read(tmp_path: Path, write: Write, name: str) -> None:
    """An array of objects is one; unpickled, this one would leave a file."""

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    trap = np.empty(6, object)
    trap[:] = [Trap() for _ in range(6)]
    told = refusal(write(tmp_path, {**GOOD, name: trap}))
    assert f"{name}: found an array of Python's objects" in told
    assert not (tmp_path / "sprung").exists()


def test_keys_that_belong_to_image_files(tmp_path: Path) -> None:
    told = refusal(in_npz(tmp_path, GOOD), size=(8, 8))
    assert told == "data.size: size belongs to a folder of images, but the source is an .npz file."


@EVERY
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_file_that_was_cut_off(tmp_path: Path, write: Write, share: float) -> None:
    path = write(tmp_path, GOOD)
    file = path / "images.npy" if path.is_dir() else path
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    assert "damaged" in refusal(path)


def test_a_bit_that_has_turned_in_an_archive(tmp_path: Path) -> None:
    path = in_npz(tmp_path, GOOD)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("images.npy").header_offset
    content = bytearray(path.read_bytes())
    content[start + 120] ^= 4
    path.write_bytes(content)
    assert "damaged" in refusal(path)


@given(st.sampled_from([in_npz, in_npy, in_safetensors]), st.data())
def test_a_damaged_file_is_read_or_refused_by_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, write: Write, data: st.DataObject
) -> None:
    """Whatever bytes have changed, most of them where a file says what is in it."""
    path = write(tmp_path_factory.mktemp("arrays"), {**GOOD, "classes": np.array(["a", "b", "c"])})
    file = path / data.draw(st.sampled_from(["images.npy", "labels.npy", "classes.npy"])) if path.is_dir() else path
    content = bytearray(file.read_bytes())
    size = len(content) - 1
    for place in data.draw(st.lists(st.integers(0, min(200, size)) | st.integers(0, size), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    settings = DataSettings(source=str(path), cache=str(path.parent / "cache"))
    for read in (image_shape, load):
        told = ""
        try:
            read(settings)
        except UsageError as error:
            told = str(error)
        assert "\n" not in told


def test_an_archive_that_claims_far_more_than_it_stores(tmp_path: Path) -> None:
    """Forty million zeros in forty thousand bytes."""
    path = in_npz(tmp_path, {"images": np.zeros((40, 1000, 1000), np.uint8), "labels": np.arange(40) % 2})
    assert "images claims 40,000,128 bytes and stores" in refusal(path)


def test_an_array_that_is_a_hole(tmp_path: Path) -> None:
    path = in_npy(tmp_path, GOOD)
    with (path / "images.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (6, 10**4, 10**4)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 6 * 10**8)
    assert "less than a tenth are on the disk" in refusal(path)


def test_other_values_in_place_are_seen(tmp_path: Path) -> None:
    before = loaded(in_npz(tmp_path, GOOD))
    after = loaded(in_npz(tmp_path, {**GOOD, "images": 255 - GOOD["images"]}))
    assert before.digest != after.digest
    assert np.array_equal(after.train.images[:, 0], 255 - GOOD["images"])


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    path = in_npz(tmp_path, GOOD)
    digest = loaded(path).digest
    (cached,) = (tmp_path / "cache").glob("arrays-*")
    content = bytearray(cached.read_bytes())
    content[-100] ^= 1
    cached.write_bytes(content)
    assert loaded(path).digest == digest
    assert list((tmp_path / "cache").iterdir()) == [cached]


def test_a_file_of_the_folder_that_has_another_name_is_seen(tmp_path: Path) -> None:
    arrays = {"images": pixels(8, 4, 4), "labels": np.arange(8) % 2}
    held = {f"test_{name}": array[:4] for name, array in arrays.items()}
    folder = in_npy(tmp_path, arrays | held)
    assert len(loaded(folder).test) == 4
    for name in held:
        (folder / f"{name}.npy").rename(folder / f"{name.replace('test', 'validation')}.npy")
    dataset = loaded(folder)
    assert (len(dataset.test), len(dataset.validation)) == (0, 4)


def header(shape: str, descr: str = "|u1", claimed: int | None = None) -> bytes:
    """The beginning of a `.npy` file, which may claim that it is longer than it is."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x02\0" + (claimed or len(text)).to_bytes(4, "little") + text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("images", header("(6, -4, -4)") + bytes(96)),
        ("images", header("(6, True, 16)") + bytes(96)),
        ("images", header("(6, 4, 4)", claimed=2**32 - 1) + bytes(96)),
        ("labels", header("(6,)", "<U0")),
        ("classes", header(f"({10**15},)", "<U3")),
        ("classes", header(f"({10**30},)", "<U3")),
        ("classes", header(f"({10**12},)", "<U0")),
        ("classes", header("(-3,)", "<U3")),
    ],
    ids=["negative", "bool", "long", "no room", "many names", "too many names", "empty names", "negative names"],
)
def test_a_header_that_lies(tmp_path: Path, name: str, content: bytes) -> None:
    folder = in_npy(tmp_path, {"images": pixels(6, 4, 4), "labels": np.arange(6) % 2})
    (folder / f"{name}.npy").write_bytes(content)
    assert "this file is damaged" in refusal(folder)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_in_an_archive_of_another_packing(tmp_path: Path, packing: int) -> None:
    in_npy(tmp_path, {"images": pixels(6, 4, 4), "labels": np.arange(6) % 2})
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w", packing) as archive:
        for file in (tmp_path / "arrays").iterdir():
            archive.write(file, file.name)
    assert len(loaded(path).train) == 6
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    for file in (tmp_path / "cache").iterdir():
        file.unlink()
    assert "cannot be unpacked" in refusal(path)


def test_labels_of_few_bits(tmp_path: Path) -> None:
    dataset = loaded(in_npz(tmp_path, {"images": pixels(6, 4, 4), "labels": (np.arange(6) % 3).astype(np.float16)}))
    assert dataset.train.labels.tolist() == [0, 1, 2, 0, 1, 2]
