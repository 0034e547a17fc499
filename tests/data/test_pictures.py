"""What a file holds besides plain pixels: transparency, depth, a direction, frames. All become plain, or are said."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from connprune.data.decoding import _opaque, decode
from connprune.data.images import Dataset
from connprune.data.settings import DataSettings
from connprune.data.shape import image_shape
from connprune.data.sources import load
from connprune.errors import UsageError

Save = Callable[[np.ndarray, Path], None]
Loads = Callable[..., Dataset]


@pytest.fixture
def loaded(tmp_path: Path) -> Loads:
    def make(folder: Path, **keys: object) -> Dataset:
        return load(DataSettings(source=str(folder), cache=str(tmp_path / "cache"), **keys))

    return make


def grey(folder: Path) -> dict[Path, np.ndarray]:
    return {path: np.asarray(Image.open(path)) for path in sorted(folder.rglob("*.png"))}


def pixels_of(image: Image.Image, format_: str = "PNG", **keys: object) -> np.ndarray:
    file = io.BytesIO()
    image.save(file, format_)
    return decode(file, DataSettings(source=".", **keys)).pixels


def same(one: Dataset, other: Dataset) -> bool:
    return one.digest == other.digest and torch.equal(one.train.images, other.train.images)


# Each saves an 8-bit grey picture in another form.
def with_alpha(values: np.ndarray, path: Path) -> None:
    alpha = np.full_like(values, 255)
    Image.merge("LA", [Image.fromarray(values), Image.fromarray(alpha)]).save(path)


def with_hidden_colours(values: np.ndarray, path: Path) -> None:
    """White is transparent, and another colour lies under it."""
    hidden = np.where(values == 255, 77, values).astype(np.uint8)
    alpha = np.where(values == 255, 0, 255).astype(np.uint8)
    Image.merge("RGBA", [Image.fromarray(each) for each in (hidden, hidden, hidden, alpha)]).save(path)


def with_shape_in_alpha(values: np.ndarray, path: Path) -> None:
    """All black; what is seen is how much of the white background shines through."""
    black = Image.new("L", values.shape[::-1])
    Image.merge("LA", [black, Image.fromarray(255 - values)]).save(path)


def of_eight_bits_in_sixteen(values: np.ndarray, path: Path) -> None:
    Image.fromarray(values.astype(np.uint16)).save(path)


def of_twelve_bits(values: np.ndarray, path: Path) -> None:
    Image.fromarray(values.astype(np.uint16) * 16).save(path)


def of_sixteen_bits(values: np.ndarray, path: Path) -> None:
    Image.fromarray(values.astype(np.uint16) * 257).save(path)


def as_pgm_of_sixteen_bits(values: np.ndarray, path: Path) -> None:
    height, width = values.shape
    path.unlink(missing_ok=True)
    content = b"P5\n%d %d\n65535\n" % (width, height) + (values.astype(">u2") * 257).astype(">u2").tobytes()
    path.with_suffix(".pgm").write_bytes(content)


def turned(values: np.ndarray, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(values).copy()).save(path, exif=exif)


FORMS: list[Save] = [
    with_alpha,
    with_hidden_colours,
    with_shape_in_alpha,
    of_eight_bits_in_sixteen,
    of_twelve_bits,
    of_sixteen_bits,
    as_pgm_of_sixteen_bits,
    turned,
]


@pytest.mark.parametrize("save", FORMS, ids=lambda save: save.__name__)
def test_another_form_of_the_same_pictures_decodes_to_the_same_pixels(
    digits_folder: Path, loaded: Loads, save: Save
) -> None:
    plain = loaded(digits_folder, channels=1)
    for path, values in grey(digits_folder).items():
        save(values, path)
    assert same(loaded(digits_folder, channels=1), plain)


VALUES = np.random.default_rng(0).integers(0, 200, (6, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "La", "RGBa"])
def test_a_channel_of_transparency(mode: str) -> None:
    """Opaque pictures are as without the channel; transparent ones are background, whatever colour they have."""
    without = {"LA": "L", "La": "L", "PA": "P"}.get(mode, "RGB")
    plain = Image.fromarray(VALUES).convert(without)
    shown = np.asarray(plain.convert("RGB")).transpose(2, 0, 1)
    straight = {"L": "LA", "P": "PA"}.get(without, "RGBA")
    for alpha, expected in ((255, shown), (0, np.full_like(shown, 9))):
        image = plain.copy()
        image.putalpha(alpha)
        assert image.mode == straight
        assert (laid_on(image if mode == straight else image.convert(mode), (9, 9, 9)) == expected).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_colour_that_stands_for_transparency(mode: str) -> None:
    plain = Image.fromarray(VALUES).convert(mode)
    shown = np.asarray(plain.convert("RGB")).transpose(2, 0, 1)
    assert (pixels_of(plain) == shown).all()
    plain.info["transparency"] = plain.getpixel((0, 0))
    found = pixels_of(plain, background=(9, 9, 9))
    gone = (shown == shown[:, :1, :1]).all(0)
    assert (found[:, gone] == 9).all()
    assert (found[:, ~gone] == shown[:, ~gone]).all()


def test_a_palette_with_transparency() -> None:
    plain = Image.fromarray(VALUES).convert("P")
    shown = np.asarray(plain.convert("RGB")).transpose(2, 0, 1)
    for alpha, expected in ((255, shown), (0, np.full_like(shown, 255))):
        plain.info["transparency"] = bytes([alpha] * 256)
        assert (pixels_of(plain) == expected).all()


def laid_on(image: Image.Image, background: tuple[int, int, int]) -> np.ndarray:
    """What no file format keeps as it is goes through the step that all images take."""
    settings = DataSettings(source=".", background=background)
    return np.asarray(_opaque(image, None, settings).convert("RGB")).transpose(2, 0, 1)


@given(st.binary(min_size=16 * 4, max_size=16 * 4), st.sampled_from([None, (2, 3), (9, 7)]), st.sampled_from([1, 3]))
def test_what_lies_under_alpha_zero_does_not_matter(
    content: bytes, size: tuple[int, int] | None, channels: int
) -> None:
    values = np.frombuffer(content, np.uint8).reshape(4, 4, 4).copy()
    values[..., 3][values[..., 3] < 128] = 0
    other = values.copy()
    other[values[..., 3] == 0, :3] ^= 255
    one, two = (
        pixels_of(Image.fromarray(each, "RGBA"), size=size, channels=channels, background=(1, 2, 3))
        for each in (values, other)
    )
    assert (one == two).all()


def test_a_transparent_grey_of_sixteen_bits() -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head, rows = struct.pack(">IIBBBBB", 2, 1, 16, 0, 0, 0, 0), zlib.compress(b"\0" + struct.pack(">HH", 700, 257))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"tRNS", struct.pack(">H", 700))
    file = io.BytesIO(png + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    found = decode(file, DataSettings(source=".", range=(0, 65535), channels=1))
    assert found.pixels.tolist() == [[[255, 1]]]


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_pictures_are_turned_as_their_tag_says(tmp_path: Path, format_: str, tag: int) -> None:
    """The tag says how the stored rows and columns are to be shown; the definition of each, by numpy."""
    values = np.kron(np.array([[0, 80, 160], [200, 120, 40]], np.uint8), np.ones((16, 16), np.uint8))
    shown = {
        1: values,
        2: values[:, ::-1],
        3: values[::-1, ::-1],
        4: values[::-1],
        5: values.T,
        6: np.rot90(values, -1),
        7: values[::-1, ::-1].T,
        8: np.rot90(values),
    }[tag]
    exif = Image.Exif()
    exif[0x0112] = tag
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(values).convert("RGB").save(tmp_path / name / "1.png", format_, exif=exif)
    settings = DataSettings(source=str(tmp_path), channels=1)
    assert image_shape(settings)[0] == (1, *shown.shape)
    with (tmp_path / "a" / "1.png").open("rb") as file:
        found = decode(file, settings).pixels[0]
    assert found.shape == shown.shape
    assert np.abs(found.astype(int) - shown).max() < 40


def test_a_tag_that_cannot_be_read_turns_nothing() -> None:
    image = Image.new("L", (4, 2), 9)
    file = io.BytesIO()
    image.save(file, "PNG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    assert decode(file, DataSettings(source=".", channels=1)).pixels.shape == (1, 2, 4)


def test_the_range_is_found_in_the_training_images_alone(digits_folder: Path, loaded: Loads) -> None:
    for path, values in grey(digits_folder).items():
        high = 4000 if "test" in path.relative_to(digits_folder).parts else 1000
        Image.fromarray((500 + values * (high / 255)).astype(np.uint16)).save(path)
    dataset = loaded(digits_folder, channels=1)
    assert dataset.range == (500, 1500)
    assert (dataset.train.images.min().item(), dataset.train.images.max().item()) == (0, 255)
    assert "80 images have more than 8 bits: the values 500 to 1500 become 0 to 255 (data.range)." in dataset.notes
    assert any("values outside of data.range" in note for note in dataset.notes)
    assert same(loaded(digits_folder, channels=1, range=(500, 1500)), dataset)
    assert loaded(digits_folder, channels=1, range=(0, 4500)).range == (0, 4500)


def test_what_was_decoded_with_a_found_range_serves_when_it_is_stated(
    digits_folder: Path, loaded: Loads, tmp_path: Path
) -> None:
    for path, values in grey(digits_folder).items():
        of_twelve_bits(values, path)
    found = loaded(digits_folder).range
    loaded(digits_folder, range=found)
    assert len(list((tmp_path / "cache").glob("folder-*"))) == 1


def test_a_pixel_that_widens_the_range_is_noted(digits_folder: Path, loaded: Loads) -> None:
    for path, values in grey(digits_folder).items():
        Image.fromarray(values.astype(np.uint16)).save(path)
    values = np.zeros((8, 8), np.uint16)
    values[3, 3] = 65535
    Image.fromarray(values).save(digits_folder / "train" / "0" / "000.png")
    (note,) = (note for note in loaded(digits_folder).notes if "a small part of the range" in note)
    assert "data.range=[0, " in note


def test_colours_of_sixteen_bits_that_use_few_are_noted(digits_folder: Path, loaded: Loads) -> None:
    for path, values in grey(digits_folder).items():
        height, width = values.shape
        rows = b"".join(b"\0" + np.repeat(row[:, None], 3, 1).astype(">u2").tobytes() for row in values)
        chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows))]
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
                for name, content in [*chunks, (b"IEND", b"")]
            )
        )
    notes = loaded(digits_folder).notes
    assert "80 images have 16 bits a channel in colour, of which Pillow keeps the upper 8." in notes
    assert "nearly all pixels of train have values from 0 to 0, a small part of 0 to 255." in notes
    assert any(note.startswith("80 images have one single value: train/0/000.png") for note in notes)


def test_ordinary_pictures_need_no_notes(digits_folder: Path, loaded: Loads) -> None:
    assert loaded(digits_folder).notes == ()


def test_the_first_of_several_frames_is_taken_and_said_once(digits_folder: Path, loaded: Loads) -> None:
    plain = loaded(digits_folder)
    later = [Image.new("L", (8, 8), value) for value in (3, 90)]
    for path, values in grey(digits_folder).items():
        path.unlink()
        Image.fromarray(values).save(path.with_suffix(".tiff"), save_all=True, append_images=later)
    dataset = loaded(digits_folder)
    assert same(dataset, plain)
    assert dataset.notes == ("80 images have several frames or pages, of which the first is taken.",)
    first = digits_folder / "train" / "0" / "000"
    first.with_suffix(".tiff").unlink()
    later[0].save(first.with_suffix(".gif"), save_all=True, append_images=later)
    assert dataset.notes[0] in loaded(digits_folder).notes


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        ({"background": "green"}, "expected white or black, or red, green and blue from 0 to 255"),
        ({"range": (5, 5)}, "expected the smaller value first"),
    ],
)
def test_settings_that_mean_nothing(assignment: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        DataSettings(source=".", **assignment)


def test_a_whole_class_that_cannot_be_read_is_refused(digits_folder: Path, loaded: Loads) -> None:
    for path in (digits_folder / "train" / "4").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(UsageError, match=r"none of the 6 images of the class '4' in .*train/4 can be read: train/4/0"):
        loaded(digits_folder, skip_damaged=True)


@pytest.mark.skipif(os.name != "posix", reason="such names are refused elsewhere")
def test_names_of_files_do_not_reach_the_terminal_as_they_are(digits_folder: Path, loaded: Loads) -> None:
    (digits_folder / "train" / "0" / "x\x1b]0;owned\x07y.png").write_text("x")
    (digits_folder / "train" / "0" / "x.\x1b[31m").write_text("x")
    with pytest.raises(UsageError, match="cannot be read") as caught:
        loaded(digits_folder)
    dataset = loaded(digits_folder, skip_damaged=True)
    assert all(text.isprintable() for text in (str(caught.value), *dataset.damaged, *dataset.notes))
