"""Data sets in parquet files, written by the test as the hub's libraries write them."""

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from connprune.data.images import Dataset
from connprune.data.settings import DataSettings
from connprune.data.shape import image_shape
from connprune.data.sources import load
from connprune.errors import UsageError

NAMES = ("T-shirt/top", "Bag", "Ankle boot")
NUMBERS = np.random.default_rng(0)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write(
    path: Path,
    images: Sequence[bytes | None],
    labels: object,
    columns: tuple[str, str] = ("image", "label"),
    names: tuple[str, ...] | None = NAMES,
) -> Path:
    """A file with an image in each row, and what the hub's libraries say of its columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"bytes": image, "path": f"{number}.png"} for number, image in enumerate(images)]
    table = pa.table({columns[0]: rows, columns[1]: labels, "id": list(range(len(rows)))})
    if names:
        features = {columns[0]: {"_type": "Image"}, columns[1]: {"names": list(names), "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path, row_group_size=4)
    return path


def drawn(count: int) -> list[np.ndarray]:
    return list(NUMBERS.integers(0, 256, (count, 6, 5), dtype=np.uint8))


def loaded(path: Path, **keys: object) -> Dataset:
    settings = DataSettings(source=str(path), cache=str(path.parent / "cache"), **keys)
    dataset = load(settings)
    assert image_shape(settings) == (dataset.shape, len(dataset.classes))
    again = load(settings)
    assert (again.digest, again.classes, again.notes) == (dataset.digest, dataset.classes, dataset.notes)
    return dataset


def by_image(dataset: Dataset, part: str) -> dict[bytes, str]:
    images = getattr(dataset, part)
    return {
        image[0].numpy().tobytes(): dataset.classes[label]
        for image, label in zip(images.images, images.labels, strict=True)
    }


def test_the_layout_of_the_hub(tmp_path: Path) -> None:
    """Shards of parts in a folder, names of classes in the metadata."""
    train, test = drawn(9), drawn(3)
    folder = tmp_path / "set"
    for shard in range(2):
        labels = [number % 3 for number in range(9)][shard::2]
        write(folder / "data" / f"train-0000{shard}-of-00002.parquet", [png(each) for each in train[shard::2]], labels)
    write(folder / "data" / "test-00000-of-00001.parquet", [png(each) for each in test], [0, 0, 1])
    dataset = loaded(folder, channels=1)
    assert dataset.classes == NAMES
    assert by_image(dataset, "train") == {image.tobytes(): NAMES[number % 3] for number, image in enumerate(train)}
    assert by_image(dataset, "test") == {
        image.tobytes(): NAMES[label] for image, label in zip(test, (0, 0, 1), strict=True)
    }


@pytest.mark.parametrize("columns", [("image", "label"), ("img", "fine_label")])
def test_one_file_without_names(tmp_path: Path, columns: tuple[str, str]) -> None:
    images = drawn(6)
    path = write(tmp_path / "one.parquet", [png(each) for each in images], ["b", "a"] * 3, columns, None)
    dataset = loaded(path, channels=1, size=(6, 5))
    assert dataset.classes == ("a", "b")
    assert by_image(dataset, "train") == {image.tobytes(): "ba"[number % 2] for number, image in enumerate(images)}
    assert not len(dataset.test)
    as_steps = loaded(path, channels=1, as_sequence=True)
    assert as_steps.shape == (5, 1, 6)


def test_parts_in_folders_of_their_own(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("validation", 3), ("test", 3)):
        labels = [number % 3 for number in range(count)]
        write(tmp_path / "set" / part / "0000.parquet", [png(each) for each in drawn(count)], labels)
    dataset = loaded(tmp_path / "set")
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [6, 3, 3]


def refusal(path: Path, **keys: object) -> str:
    settings = DataSettings(source=str(path), cache=str(path.parent / "cache"), **keys)
    with pytest.raises(UsageError) as refused:
        load(settings)
    (mistake,) = refused.value.mistakes
    return mistake.message


def test_what_is_refused(tmp_path: Path) -> None:
    good = [png(each) for each in drawn(3)]
    cases = {
        "column": (
            write(tmp_path / "a.parquet", good, [0, 1, 2], ("photo", "label")),
            "image: found the columns photo",
        ),
        "none": (write(tmp_path / "b.parquet", good, [0, 1, None]), "1 rows have no label"),
        "hidden": (write(tmp_path / "c.parquet", good, [0, 1, -1]), "label: found the label -1, expected 0 to 2"),
        "path": (write(tmp_path / "d.parquet", [*good[:2], None], [0, 1, 2]), "image: found no bytes in row 2"),
        "empty": (write(tmp_path / "e.parquet", [], pa.array([], pa.int64())), "there is no image of train"),
        "lists": (write(tmp_path / "h.parquet", good, [[0], [1, 2], []], names=None), "label: found values of list<"),
        "dates": (
            write(tmp_path / "i.parquet", good, np.array([0, 1, 2], "M8[s]"), names=None),
            "label: found values of timestamp[ms], expected whole numbers, or names",
        ),
        "broken": (write(tmp_path / "f.parquet", [*good[:2], b"GIF89a"], [0, 1, 2]), "train/row 2 ("),
    }
    for path, words in cases.values():
        told = refusal(path)
        assert words in told
        assert str(path) in told
    damaged = write(tmp_path / "g.parquet", good, [0, 1, 2])
    damaged.write_bytes(damaged.read_bytes()[:-20])
    assert "damaged" in refusal(damaged)
    for name in ("one", "other"):
        write(tmp_path / "sets" / name / "train-0.parquet", good, [0, 1, 2])
    assert "found files in one, other, expected one data set" in refusal(tmp_path / "sets")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("Bag", "T-shirt/top", "Ankle boot"),
            "found 'Bag' as the class 0, expected 'T-shirt/top' as the class 0, as in",
        ),
        (NAMES[:2], "found 2 classes, expected 3, as in the files before"),
    ],
)
def test_classes_in_another_order_in_another_file(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    good = [png(each) for each in drawn(3)]
    write(tmp_path / "set" / "train-0.parquet", good, [0, 1, 2])
    write(tmp_path / "set" / "test-0.parquet", good[:2], [0, 1], names=names)
    assert message in refusal(tmp_path / "set")


def test_names_in_any_type_of_text(tmp_path: Path) -> None:
    good, names = [png(each) for each in drawn(3)], ["b", "a", "b"]
    for number, kind in enumerate((pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int8(), pa.string()))):
        labels = pa.array(names).cast(kind)
        dataset = loaded(write(tmp_path / f"{number}.parquet", good, labels, names=None), channels=1)
        assert sorted(by_image(dataset, "train").values()) == ["a", "b", "b"]


def test_what_lies_beside_image_files_makes_no_other_data_set_of_a_folder(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number, image in enumerate(drawn(2)):
            (tmp_path / "images" / name / f"{number}.png").write_bytes(png(image))
    (tmp_path / "images" / ".cache").mkdir()
    before = loaded(tmp_path / "images", channels=1)
    np.save(tmp_path / "images" / "features.npy", np.zeros(4))
    for folder in ("cat", ".cache"):
        (tmp_path / "images" / folder / "index.parquet").write_bytes(b"")
    assert loaded(tmp_path / "images", channels=1).digest == before.digest


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", [png(each) for each in drawn(3)], [0, 1, 2])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert refusal(path) == (
        f"{path}: parquet files need the package pyarrow; install it with `pip install 'connprune[parquet]'`."
    )
